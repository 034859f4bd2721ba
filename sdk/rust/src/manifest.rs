//! What a plugin declares: [`Rule`] and [`Permission`].

use crate::{Severity, bindings::exports::assay::plugin::metadata};

/// A code that findings may have.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    code: &'static str,
    title: &'static str,
    severity: Severity,
}

impl Rule {
    /// A rule; its code begins with the name of the plugin and a dot.
    #[must_use]
    pub const fn new(code: &'static str, title: &'static str, severity: Severity) -> Self {
        Self { code, title, severity }
    }

    #[doc(hidden)]
    #[must_use]
    pub fn declared(&self) -> metadata::Rule {
        metadata::Rule { code: self.code.to_owned(), title: self.title.to_owned(), severity: self.severity }
    }
}

/// Something that the plugin requests, with the reason that operators read.
#[derive(Clone, Copy, Debug)]
pub struct Permission {
    kind: &'static str,
    name: &'static str,
    option: Option<(&'static str, &'static str)>,
    reason: &'static str,
}

impl Permission {
    /// Reading the evidence of images.
    #[must_use]
    pub const fn evidence(reason: &'static str) -> Self {
        Self { kind: "evidence", name: "attestations", option: None, reason }
    }

    /// Requests to a host: `ci.example.com`, `*.example.com` or `{param}`, with methods such as `GET,POST`.
    #[must_use]
    pub const fn http(host: &'static str, methods: &'static str, reason: &'static str) -> Self {
        Self { kind: "http", name: host, option: Some(("methods", methods)), reason }
    }

    /// A secret by its name, which the host sends to that host alone.
    #[must_use]
    pub const fn secret(name: &'static str, host: &'static str, reason: &'static str) -> Self {
        Self { kind: "secret", name, option: Some(("host", host)), reason }
    }

    /// Notes of the job.
    #[must_use]
    pub const fn checkpoint(reason: &'static str) -> Self {
        Self { kind: "checkpoint", name: "job", option: None, reason }
    }

    #[doc(hidden)]
    #[must_use]
    pub fn declared(&self) -> metadata::Permission {
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        metadata::Permission {
            kind: self.kind.to_owned(),
            name: self.name.to_owned(),
            options: self.option.into_iter().map(own).collect(),
            reason: self.reason.to_owned(),
        }
    }
}
