//! [`PackageInfo`]: what a policy file's `# METADATA` says about its package.
//!
//! Nothing here is compiled or evaluated: it serves the documentation of policies, not their evaluation.

use std::collections::BTreeMap;

use assay_rego::{Sources, module_summaries};

use crate::annotation;

/// A package as the block in front of its `package` statement describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageInfo {
    /// `title`.
    pub title: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `custom.rule_data`: the keys of rule data that the package's rules read, with what they are for.
    pub rule_data: BTreeMap<String, String>,
}

impl PackageInfo {
    /// Parses a policy file. One that is not a policy, or has no such block or an invalid one, yields nothing.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut sources = Sources::new();
        sources.add_policy_text("", text);
        let read = |modules: &[(assay_rego::ModuleSummary, &str)]| {
            Ok(modules.first().map(|(module, _)| (module.package_line, module.blocks.clone())))
        };
        let Ok(Some((line, blocks))) = module_summaries(sources, read) else { return Self::default() };
        let block = annotation::read(&blocks).into_iter().find(|block| block.last + 1 == line);
        let Some(Ok(says)) = block.map(|block| block.annotation) else { return Self::default() };
        Self { title: says.title, description: says.description, rule_data: says.rule_data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_in_front_of_the_package_is_read_and_no_other() {
        let block = "# METADATA\n# title: T\n# description: D\n# custom:\n#   rule_data:\n#     b: B\n#     a: A\n";
        let info = PackageInfo::read(&format!("{block}package p\n\n# METADATA\n# title: other\ndeny contains 1\n"));
        assert_eq!((info.title.as_deref(), info.description.as_deref()), (Some("T"), Some("D")));
        let pairs: Vec<_> = info.rule_data.iter().map(|(key, text)| (key.as_str(), text.as_str())).collect();
        assert_eq!(pairs, [("a", "A"), ("b", "B")]);
        for text in
            ["", "package p\n", "package p\n# METADATA\n# title: T\n", "# METADATA\n# a: b: c\npackage p\n", block]
        {
            assert_eq!(PackageInfo::read(text), PackageInfo::default(), "{text}");
        }
    }
}
