//! [`Capabilities`]: what an older or restricted OPA offers to policies.

use std::collections::BTreeSet;

use serde::Deserialize;

/// The feature without which no Rego v1 is read.
const REGO_V1: &str = "rego_v1";

/// The feature without which there are no templates, `$"a {x}"`.
const TEMPLATES: &str = "template_strings";

/// What policies may use, as in the file that `opa capabilities` prints.
#[derive(Debug, Deserialize)]
pub struct Capabilities {
    #[serde(default)]
    builtins: Vec<Builtin>,
    #[serde(default)]
    features: BTreeSet<String>,
    #[serde(skip)]
    names: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
struct Builtin {
    name: String,
}

impl Capabilities {
    /// Reads the JSON of a capabilities file. Of the built-in functions the names are used, and of the features those of
    /// Rego v1 and templates.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn read(json: &str) -> Result<Self, String> {
        let mut read: Self = serde_json::from_str(json).map_err(|error| error.to_string())?;
        read.names = std::mem::take(&mut read.builtins).into_iter().map(|builtin| builtin.name).collect();
        Ok(read)
    }

    /// Whether policies may call a built-in function.
    pub(crate) fn has_builtin(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub(crate) fn has_rego_v1(&self) -> bool {
        self.features.contains(REGO_V1)
    }

    pub(crate) fn has_templates(&self) -> bool {
        self.features.contains(TEMPLATES)
    }
}

#[cfg(test)]
mod tests {
    use crate::{CompileOptions, fuzzing::compile};

    use super::*;

    fn errors(capabilities: &str, module: &str, v0: bool) -> String {
        let capabilities = Box::leak(Box::new(Capabilities::read(capabilities).unwrap()));
        let options = CompileOptions { capabilities: Some(capabilities), v0, ..CompileOptions::default() };
        compile(&[module], options).err().unwrap_or_default()
    }

    #[test]
    fn only_what_capabilities_name_can_be_used() {
        let some = r#"{"builtins": [{"name": "count"}, {"name": "eq"}], "features": ["rego_v1"]}"#;
        assert_eq!(errors(some, "package a\nx := count([1])", false), "");
        for (module, want) in [
            ("package a\nx := upper(\"a\")", "undefined function upper"),
            ("package a\nx := 1 + 2", "undefined function plus"),
            ("package a\nx := y if { y := 1 with upper as 2 }", "with keyword target must reference existing"),
            ("package a\nx := $\"{1}\"", "template strings are not supported by current capabilities"),
        ] {
            let found = errors(some, module, false);
            assert!(found.contains(want), "{module}: {found}");
        }
        let none = errors("{}", "package a\nx := 1", false);
        assert!(none.contains("illegal capabilities: rego_v1 feature required for parsing v1 Rego"), "{none}");
        assert_eq!(errors("{}", "package a\nx = 1", true), "");
    }

    #[test]
    fn what_is_no_capabilities_file_is_an_error() {
        assert!(Capabilities::read("[1]").is_err());
        assert!(Capabilities::read(r#"{"builtins": [{}]}"#).is_err());
    }
}
