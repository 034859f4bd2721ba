//! The macros of the worlds: they export a plugin's functions as the contract wants them.
//!
//! Each has the fields `summary`, `params`, `rules`, `permissions`, optionally `limits` and `documentation`, and the functions
//! of the world. On any target but WebAssembly they only check the types.

/// What every world exports.
#[doc(hidden)]
#[macro_export]
macro_rules! __metadata {
    ($plugin:ident, $summary:expr, $params:ty, [$($rule:expr),*], [$($permission:expr),*], [$($limit:expr),*]) => {
        impl $crate::bindings::exports::assay::plugin::metadata::Guest for $plugin {
            fn describe() -> $crate::bindings::exports::assay::plugin::metadata::Manifest {
                let limits: &[(&str, u64)] = &[$($limit),*];
                $crate::bindings::exports::assay::plugin::metadata::Manifest {
                    name: env!("CARGO_PKG_NAME").to_owned(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    summary: ($summary).to_owned(),
                    license: env!("CARGO_PKG_LICENSE").to_owned(),
                    source: env!("CARGO_PKG_REPOSITORY").to_owned(),
                    documentation: env!("CARGO_PKG_HOMEPAGE").to_owned(),
                    params: <$params as $crate::Parameters>::schema().to_string(),
                    permissions: vec![$($permission.declared()),*],
                    limits: limits.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
                    rules: vec![$($rule.declared()),*],
                }
            }
        }
    };
}

/// Exports a check of one image: `evaluate` takes the [`Context`](crate::Context) and the image, and gives findings.
#[cfg(feature = "check")]
#[macro_export]
macro_rules! check {
    (
        summary: $summary:expr,
        params: $params:ty,
        rules: [$($rule:expr),* $(,)?],
        permissions: [$($permission:expr),* $(,)?],
        $(limits: [$($limit:expr),* $(,)?],)?
        evaluate: $evaluate:path $(,)?
    ) => {
        const _: () = {
            struct Plugin;
            $crate::__metadata!(Plugin, $summary, $params, [$($rule),*], [$($permission),*], [$($($limit),*)?]);
            impl $crate::bindings::exports::assay::plugin::image_check::Guest for Plugin {
                fn evaluate(
                    context: $crate::__private::RawContext,
                    image: String,
                ) -> Result<Vec<$crate::Finding>, $crate::Error> {
                    $evaluate(&$crate::Context::<$params>::read(context)?, &image)
                }
            }
            #[cfg(target_family = "wasm")]
            $crate::bindings::export_world!(Plugin with_types_in $crate::bindings);
        };
    };
}

/// Exports a custom task: `run` takes the [`Context`](crate::Context) and gives a verdict.
#[cfg(any(feature = "task", feature = "task-offline"))]
#[macro_export]
macro_rules! task {
    (
        summary: $summary:expr,
        params: $params:ty,
        rules: [$($rule:expr),* $(,)?],
        permissions: [$($permission:expr),* $(,)?],
        $(limits: [$($limit:expr),* $(,)?],)?
        run: $run:path $(,)?
    ) => {
        const _: () = {
            struct Plugin;
            $crate::__metadata!(Plugin, $summary, $params, [$($rule),*], [$($permission),*], [$($($limit),*)?]);
            impl $crate::bindings::exports::assay::plugin::custom_task::Guest for Plugin {
                fn run(context: $crate::__private::RawContext) -> Result<$crate::Verdict, $crate::Error> {
                    $run(&$crate::Context::<$params>::read(context)?)
                }
            }
            #[cfg(target_family = "wasm")]
            $crate::bindings::export_world!(Plugin with_types_in $crate::bindings);
        };
    };
}

/// Exports a report: `render` takes the [`Context`](crate::Context), and gives the names of the artifacts that it wrote.
#[cfg(feature = "reporter")]
#[macro_export]
macro_rules! reporter {
    (
        summary: $summary:expr,
        params: $params:ty,
        permissions: [$($permission:expr),* $(,)?],
        $(limits: [$($limit:expr),* $(,)?],)?
        render: $render:path $(,)?
    ) => {
        const _: () = {
            struct Plugin;
            $crate::__metadata!(Plugin, $summary, $params, [], [$($permission),*], [$($($limit),*)?]);
            impl $crate::bindings::exports::assay::plugin::renderer::Guest for Plugin {
                fn render(context: $crate::__private::RawContext) -> Result<Vec<String>, $crate::Error> {
                    $render(&$crate::Context::<$params>::read(context)?)
                }
            }
            #[cfg(target_family = "wasm")]
            $crate::bindings::export_world!(Plugin with_types_in $crate::bindings);
        };
    };
}

/// Exports a job of another service. `state` is what is kept between two calls; `submit` takes the
/// [`Context`](crate::Context), `poll` and `collect` the state, too, `cancel` the state if there is one and the reason.
#[cfg(feature = "adapter")]
#[macro_export]
macro_rules! adapter {
    (
        summary: $summary:expr,
        params: $params:ty,
        rules: [$($rule:expr),* $(,)?],
        permissions: [$($permission:expr),* $(,)?],
        $(limits: [$($limit:expr),* $(,)?],)?
        state: $state:ty,
        submit: $submit:path,
        poll: $poll:path,
        collect: $collect:path,
        cancel: $cancel:path $(,)?
    ) => {
        const _: () = {
            use $crate::bindings::exports::assay::plugin::remote_job as contract;
            use $crate::{Context, Error, __private::RawContext, state};
            struct Plugin;
            $crate::__metadata!(Plugin, $summary, $params, [$($rule),*], [$($permission),*], [$($($limit),*)?]);
            fn status(status: state::Status<$state>) -> Result<contract::Status, Error> {
                Ok(match status {
                    state::Status::Ended(state) => contract::Status::Ended(state::pack(&state)?),
                    state::Status::Waiting { state, after_ms, native, url } => {
                        contract::Status::Waiting(contract::Waiting { state: state::pack(&state)?, after_ms, native, url })
                    }
                })
            }
            impl contract::Guest for Plugin {
                fn submit(context: RawContext) -> Result<contract::Status, Error> {
                    status($submit(&Context::<$params>::read(context)?)?)
                }

                fn poll(context: RawContext, state: Vec<u8>) -> Result<contract::Status, Error> {
                    status($poll(&Context::<$params>::read(context)?, state::unpack::<$state>(&state)?)?)
                }

                fn collect(context: RawContext, state: Vec<u8>) -> Result<contract::Collected, Error> {
                    Ok(match $collect(&Context::<$params>::read(context)?, state::unpack::<$state>(&state)?)? {
                        state::Collected::More(state) => contract::Collected::More(state::pack(&state)?),
                        state::Collected::Done(verdict) => contract::Collected::Done(verdict),
                    })
                }

                fn cancel(
                    context: RawContext,
                    state: Option<Vec<u8>>,
                    reason: String,
                ) -> Result<contract::Cancellation, Error> {
                    let state = state.map(|state| state::unpack::<$state>(&state)).transpose()?;
                    Ok(match $cancel(&Context::<$params>::read(context)?, state, &reason)? {
                        state::Cancellation::Canceled => contract::Cancellation::Canceled,
                        state::Cancellation::Refused(why) => contract::Cancellation::Refused(why),
                    })
                }
            }
            #[cfg(target_family = "wasm")]
            $crate::bindings::export_world!(Plugin with_types_in $crate::bindings);
        };
    };
}
