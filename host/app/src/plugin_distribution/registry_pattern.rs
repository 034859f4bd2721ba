//! [`RegistryPattern`]: which repositories plugins may come from.

use std::str::FromStr;

use assay_model::image::{ImageRef, Repository};

/// A repository, or all repositories below a path: `registry.example/acme/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RegistryPattern {
    Exactly(Repository),
    /// The registry, and the path that is followed by `/`; empty for the whole registry.
    Below(String, String),
}

impl FromStr for RegistryPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || format!("the pattern `{text}` is not `REGISTRY/PATH`, `REGISTRY/PATH/*` or `REGISTRY/*`");
        let below = text.strip_suffix("/*");
        if below.unwrap_or(text).contains('*') {
            return Err(refused());
        }
        let parse = |text: &str| -> Result<Repository, String> {
            let parsed: ImageRef = text.parse().map_err(|_| refused())?;
            let is_plain = parsed.tag().is_none() && parsed.digest().is_none();
            if is_plain { Ok(parsed.repository().clone()) } else { Err(refused()) }
        };
        match below {
            None => parse(text).map(Self::Exactly),
            // A registry alone is no repository; with any name below it it is.
            Some(registry) if !registry.contains('/') => {
                let repository = parse(&format!("{registry}/x"))?;
                if repository.registry() == registry {
                    Ok(Self::Below(registry.to_owned(), String::new()))
                } else {
                    Err(refused())
                }
            }
            Some(path) => {
                let repository = parse(path)?;
                Ok(Self::Below(repository.registry().to_owned(), format!("{}/", repository.path())))
            }
        }
    }
}

impl RegistryPattern {
    /// Whether a repository matches it.
    pub(crate) fn contains(&self, repository: &Repository) -> bool {
        match self {
            Self::Exactly(own) => own == repository,
            Self::Below(registry, path) => {
                repository.registry() == registry && repository.path().starts_with(path.as_str())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_its_repository_or_those_below_its_path() {
        for (pattern, repository, is_contained) in [
            ("registry.example/acme/*", "registry.example/acme/jenkins", true),
            ("registry.example/acme/*", "registry.example/acme/a/b", true),
            ("registry.example/acme/*", "registry.example/acme", false),
            ("registry.example/acme/*", "registry.example/acmes/x", false),
            ("registry.example/acme/*", "other.example/acme/x", false),
            ("registry.example/acme/jenkins", "registry.example/acme/jenkins", true),
            ("registry.example/acme/jenkins", "registry.example/acme/jenkins2", false),
            ("registry.example/*", "registry.example/x", true),
            ("127.0.0.1:5000/*", "127.0.0.1:5000/a/b", true),
            ("registry.example/*", "registry.example.evil.test/x", false),
        ] {
            let reference: ImageRef = repository.parse().unwrap();
            let pattern: RegistryPattern = pattern.parse().unwrap();
            assert_eq!(pattern.contains(reference.repository()), is_contained, "{pattern:?} {repository}");
        }
        for bad in ["", "*", "/*", "*/x", "a*b/c", "registry.example/x:1", "registry.example/*/x", "acme/*"] {
            assert!(bad.parse::<RegistryPattern>().is_err(), "{bad}");
        }
    }
}
