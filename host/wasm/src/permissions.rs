//! [`Permissions`]: what a plugin may use, granted from what its manifest requests and what its world can grant.
//!
//! Hosts and secrets are granted by name, by the operator: see [`grants`](crate::grants).

use std::collections::BTreeSet;

use crate::{text, values::RawPermission};

/// Something that a plugin may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Writing to the log.
    Logging,
    /// Reading the evidence of the images of the call.
    Evidence,
    /// Sending HTTP requests to the hosts that its manifest names and the operator grants.
    Http,
    /// Having the host send secrets that its manifest names and the operator grants.
    Secret,
    /// Keeping notes of its job.
    Checkpoint,
}

impl Permission {
    /// The `kind` in a manifest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logging => "logging",
            Self::Evidence => "evidence",
            Self::Http => "http",
            Self::Secret => "secret",
            Self::Checkpoint => "checkpoint",
        }
    }
}

/// The permissions that a world can grant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grantable {
    /// Granted to every plugin of the world.
    pub(crate) always: &'static [Permission],
    /// Granted to a plugin that requests it.
    pub(crate) on_request: &'static [Permission],
}

/// The permissions that a plugin was granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions(BTreeSet<Permission>);

impl Permissions {
    /// Grants what a manifest requests. A request that the world cannot grant is an error: the end of a sentence that
    /// begins with the plugin.
    pub(crate) fn grant(world: &str, grantable: Grantable, requested: &[RawPermission]) -> Result<Self, String> {
        let mut granted: BTreeSet<_> = grantable.always.iter().copied().collect();
        for RawPermission { kind, reason, .. } in requested {
            let permission = grantable.on_request.iter().find(|permission| permission.as_str() == kind);
            let Some(permission) = permission else {
                return Err(format!(
                    "requests the permission `{}` ({}), which the world `{world}` cannot grant; it can grant {}",
                    text::one_line(kind, 100),
                    text::one_line(reason, 200),
                    text::list(grantable.on_request.iter().map(|permission| permission.as_str()), "nothing"),
                ));
            };
            granted.insert(*permission);
        }
        Ok(Self(granted))
    }

    /// Whether a permission was granted.
    #[must_use]
    pub fn contains(&self, permission: Permission) -> bool {
        self.0.contains(&permission)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(on_request: &'static [Permission], kinds: &[&str]) -> Result<Permissions, String> {
        let grantable = Grantable { always: &[Permission::Logging], on_request };
        let request = |kind: &&str| RawPermission {
            kind: (*kind).to_owned(),
            name: String::new(),
            options: Vec::new(),
            reason: "why\n".to_owned(),
        };
        Permissions::grant("check", grantable, &kinds.iter().map(request).collect::<Vec<_>>())
    }

    #[test]
    fn a_permission_is_granted_only_on_request() {
        let none = grant(&[Permission::Evidence], &[]).unwrap();
        assert!(none.contains(Permission::Logging) && !none.contains(Permission::Evidence));
        let both = grant(&[Permission::Evidence], &["evidence", "evidence"]).unwrap();
        assert!(both.contains(Permission::Logging) && both.contains(Permission::Evidence));
    }

    #[test]
    fn a_request_beyond_the_world_is_refused_with_what_it_can_grant() {
        assert_eq!(
            grant(&[Permission::Evidence], &["evidence", "http"]).unwrap_err(),
            "requests the permission `http` (why\\n), which the world `check` cannot grant; it can grant `evidence`"
        );
        assert!(grant(&[], &["evidence"]).unwrap_err().ends_with("it can grant nothing"));
    }
}
