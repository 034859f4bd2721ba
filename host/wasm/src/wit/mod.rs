//! The contract `assay:plugin`: a module for each version converts it to the [values](crate::values) of this host.
//!
//! The names of a component's exports say which version it was built against. Within `0.1`, a newer host serves an older
//! component, as versions only add.

pub(crate) mod v0_1;
pub(crate) mod wasi_p2;

/// The supported versions, for messages.
pub(crate) const SUPPORTED_VERSIONS: &str = "0.1";

/// The name of an interface, such as `assay:plugin/image-check@0.1.0`, in its parts.
pub(crate) struct Interface<'a> {
    pub(crate) base: &'a str,
    pub(crate) version: Option<&'a str>,
}

impl<'a> Interface<'a> {
    pub(crate) fn parse(name: &'a str) -> Self {
        match name.split_once('@') {
            Some((base, version)) => Self { base, version: Some(version) },
            None => Self { base: name, version: None },
        }
    }

    /// True for interfaces of the contract.
    pub(crate) fn is_of_contract(&self) -> bool {
        self.base.starts_with("assay:plugin/")
    }

    /// True for a version of the contract that this host supports.
    pub(crate) fn is_supported(&self) -> bool {
        self.is_version(v0_1::VERSION)
    }

    /// True for `MAJOR.MINOR.PATCH` of that major and minor version.
    pub(crate) fn is_version(&self, (major, minor): (u64, u64)) -> bool {
        let mut parts = self.version.unwrap_or_default().split('.').map(str::parse::<u64>);
        let mut next = || parts.next().and_then(Result::ok);
        next() == Some(major) && next() == Some(minor) && next().is_some() && parts.next().is_none()
    }
}
