//! [`Exceptions`]: packages that may have a license which is not allowed: `pkg:npm/left-pad@1.3.0=WTFPL`.

use std::collections::BTreeSet;

/// Packages and what they may have.
#[derive(Debug, Default)]
pub struct Exceptions(Vec<Exception>);

#[derive(Debug)]
struct Exception {
    /// A package URL, with `*` for any characters; without a version it stands for every version.
    package: String,
    /// The license, as the SBOM writes it; none is any, or none at all.
    license: Option<String>,
}

impl Exceptions {
    /// Reads `PACKAGE` or `PACKAGE=LICENSE`.
    ///
    /// # Errors
    /// An item without a package, which would be an exception for all.
    pub fn new(items: &[String]) -> Result<Self, String> {
        let read = |item: &String| {
            let (package, license) = match item.split_once('=') {
                Some((package, license)) => (package.trim(), Some(license.trim())),
                None => (item.trim(), None),
            };
            if package.trim_matches('*').is_empty() || license.is_some_and(str::is_empty) {
                return Err(format!("`exceptions` holds `{item}`, which is not PACKAGE or PACKAGE=LICENSE"));
            }
            Ok(Exception { package: package.to_owned(), license: license.map(str::to_owned) })
        };
        items.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a package may have this license; `None` is a package without one.
    #[must_use]
    pub fn covers(&self, package: &str, license: Option<&str>) -> bool {
        let whole = package.split(['?', '#']).next().unwrap_or_default();
        let name = whole.rsplit_once('@').filter(|(_, version)| !version.contains('/')).map_or(whole, |(name, _)| name);
        let names: BTreeSet<&str> = [package, whole, name].into();
        self.0.iter().any(|one| {
            let is_it = names.iter().any(|name| glob(one.package.as_bytes(), name.as_bytes()));
            is_it && one.license.as_deref().is_none_or(|wanted| Some(wanted) == license)
        })
    }
}

/// Whether `text` is what the pattern says, where `*` stands for any characters.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut in_text) = (0, 0);
    let mut last: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                last = Some((at, in_text));
                at += 1;
            }
            Some(wanted) if Some(wanted) == text.get(in_text) => {
                at += 1;
                in_text += 1;
            }
            _ => match last {
                Some((star, from)) => {
                    last = Some((star, from + 1));
                    (at, in_text) = (star + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_is_for_a_package_a_version_or_many_and_for_one_license_or_any() {
        let items = ["pkg:npm/left-pad@1.3.0=WTFPL", "pkg:golang/*", "pkg:npm/a=MIT OR GPL-3.0-only"];
        let exceptions = Exceptions::new(&items.map(str::to_owned)).unwrap();
        for (package, license, is_covered) in [
            ("pkg:npm/left-pad@1.3.0", Some("WTFPL"), true),
            ("pkg:npm/left-pad@1.3.0?arch=x", Some("WTFPL"), true),
            ("pkg:npm/left-pad@1.3.0", Some("MIT"), false),
            ("pkg:npm/left-pad@1.3.1", Some("WTFPL"), false),
            ("pkg:golang/github.com/a/b@v1", None, true),
            ("pkg:npm/a@2", Some("MIT OR GPL-3.0-only"), true),
            ("pkg:npm/a@2", None, false),
            ("pkg:npm/ab@2", Some("MIT OR GPL-3.0-only"), false),
        ] {
            assert_eq!(exceptions.covers(package, license), is_covered, "{package} {license:?}");
        }
    }

    #[test]
    fn an_exception_for_everything_is_refused() {
        for bad in ["", "*", "=MIT", "pkg:npm/a="] {
            assert!(Exceptions::new(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
