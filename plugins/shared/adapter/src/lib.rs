//! What adapters in Rust have in common.
//!
//! A plugin implements [`Service`], which says how one service starts, finds, watches, collects and stops a job. The rest is
//! here and the same for all: a job is submitted once ([`driver`]), every answer becomes a value or an error of the right
//! class ([`http`]), parameters are read ([`params`]), and the verdict is put together ([`report`]).

pub mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit/assay-plugin/0.1",
        world: "adapter",
        pub_export_macro: true,
        default_bindings_module: "assay_adapter::bindings",
    });
}

pub mod driver;
pub mod http;
#[path = "../../../../sdk/rust/src/output.rs"]
mod output;
pub mod params;
pub mod report;

pub use bindings::{
    assay::plugin::types::{Context, Error, Finding, Outcome, Severity, Verdict},
    exports::assay::plugin::metadata::{Manifest, Permission, Rule},
};
pub use driver::{Look, Service, Stop, Work};

/// A permission of a manifest.
pub fn permission(kind: &str, name: &str, options: &[(&str, &str)], reason: &str) -> Permission {
    Permission {
        kind: kind.to_owned(),
        name: name.to_owned(),
        options: options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        reason: reason.to_owned(),
    }
}

/// The inputs can never work.
pub fn invalid(message: impl Into<String>) -> Error {
    Error::Invalid(message.into())
}

/// Exports a [`Service`] as the plugin of this component.
#[macro_export]
macro_rules! adapter {
    ($service:ty) => {
        struct Plugin;

        impl $crate::bindings::exports::assay::plugin::metadata::Guest for Plugin {
            fn describe() -> $crate::Manifest {
                <$service as $crate::Service>::describe()
            }
        }

        impl $crate::bindings::exports::assay::plugin::remote_job::Guest for Plugin {
            fn submit(ctx: $crate::Context) -> Result<$crate::driver::Status, $crate::Error> {
                $crate::driver::submit::<$service>(&ctx)
            }

            fn poll(ctx: $crate::Context, state: Vec<u8>) -> Result<$crate::driver::Status, $crate::Error> {
                $crate::driver::poll::<$service>(&ctx, &state)
            }

            fn collect(ctx: $crate::Context, state: Vec<u8>) -> Result<$crate::driver::Collected, $crate::Error> {
                $crate::driver::collect::<$service>(&ctx, &state)
            }

            fn cancel(
                ctx: $crate::Context,
                state: Option<Vec<u8>>,
                _reason: String,
            ) -> Result<$crate::driver::Cancellation, $crate::Error> {
                $crate::driver::cancel::<$service>(&ctx, state.as_deref())
            }
        }

        $crate::bindings::export!(Plugin with_types_in $crate::bindings);
    };
}
