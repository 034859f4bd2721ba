//! [`findings`]: what the terms say about all packages, in a fixed order and a bounded number.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    sbom::Package,
    terms::{Ruling, Terms},
};

/// More findings than this are put together by licence: nobody reads a thousand lines.
const SINGLE: usize = 300;

/// Licences that get a line of their own when findings are put together.
const GROUPS: usize = 100;

/// Packages named in a line that speaks of several.
const NAMED: usize = 5;

/// The longest package name by which a finding can be excluded; a package URL has some hundred bytes.
const TERM_BYTES: usize = 1024;

/// Characters shown of a name or an expression that comes from the SBOM.
const SHOWN: usize = 200;

/// The rules of this check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A CycloneDX SBOM attestation is there and can be read.
    Sbom,
    /// Every package can be used under the terms.
    Denied,
    /// Every package has a licence that is an SPDX expression.
    Unknown,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 3] = [Self::Sbom, Self::Denied, Self::Unknown];

    /// The code of findings.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Sbom => "licences.sbom",
            Self::Denied => "licences.denied",
            Self::Unknown => "licences.unknown",
        }
    }

    /// The title in reports.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Sbom => "A CycloneDX SBOM is attested",
            Self::Denied => "All licences are allowed",
            Self::Unknown => "All licences are known",
        }
    }

    /// What to do about a finding.
    pub const fn solution(self) -> &'static str {
        match self {
            Self::Sbom => "Attest the image's SBOM in CycloneDX format, listing its packages.",
            Self::Denied => "Replace the package, or add its licence to the parameter `allow`, or take it off `deny`.",
            Self::Unknown => "Have the SBOM name the licence as an SPDX expression.",
        }
    }
}

/// One thing to say.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that is not met.
    pub rule: Rule,
    /// The sentence.
    pub message: String,
    /// The package, by which the finding can be excluded; none when it speaks of several.
    pub package: Option<String>,
}

/// Judges the packages of all SBOMs of an image. Each element of `sboms` is one, or why it cannot be read.
pub fn findings(terms: &Terms, sboms: Vec<Result<Vec<Package>, String>>) -> Vec<Finding> {
    let sbom = |message: String| Finding { rule: Rule::Sbom, message, package: None };
    let mut findings = Vec::new();
    if sboms.is_empty() {
        findings.push(sbom("The image has no verified CycloneDX SBOM attestation".to_owned()));
    }
    // By rule, then by what is said of it, then by package: the same package may stand in several SBOMs.
    let mut said: BTreeMap<(Rule, String), BTreeSet<String>> = BTreeMap::new();
    let mut judged = Judged { terms, licences: BTreeMap::new() };
    for packages in sboms {
        match packages {
            Err(why) => findings.push(sbom(format!("The CycloneDX SBOM cannot be read: {}", shown(&why)))),
            Ok(packages) if packages.is_empty() => {
                findings.push(sbom("The CycloneDX SBOM lists no packages".to_owned()));
            }
            Ok(packages) => {
                for package in packages {
                    for (rule, what) in judged.package(&package) {
                        said.entry((rule, what)).or_default().insert(package.name.clone());
                    }
                }
            }
        }
    }
    if said.values().map(BTreeSet::len).sum::<usize>() > SINGLE {
        together(said, &mut findings);
    } else {
        singly(said, &mut findings);
    }
    findings
}

/// What is said of licences, each judged once: an image has thousands of packages and a handful of licences.
struct Judged<'a> {
    terms: &'a Terms,
    licences: BTreeMap<String, Option<(Rule, String)>>,
}

impl Judged<'_> {
    /// What is wrong with one package.
    fn package(&mut self, package: &Package) -> Vec<(Rule, String)> {
        if package.licences.is_empty() && !package.part {
            return vec![(Rule::Unknown, "has no licence".to_owned())];
        }
        package.licences.iter().filter_map(|licence| self.licence(licence)).collect()
    }

    fn licence(&mut self, licence: &str) -> Option<(Rule, String)> {
        if let Some(said) = self.licences.get(licence) {
            return said.clone();
        }
        let said = judge(self.terms, licence);
        self.licences.insert(licence.to_owned(), said.clone());
        said
    }
}

fn judge(terms: &Terms, licence: &str) -> Option<(Rule, String)> {
    match terms.rule(licence) {
        Ruling::Fine => None,
        Ruling::Denied(objections) => {
            let what = match objections.as_slice() {
                [only] if only.licence == licence => format!("{}, which {}", only.licence, only.why),
                several => {
                    let parts: Vec<_> = several.iter().map(|one| format!("{} {}", one.licence, one.why)).collect();
                    format!("{} ({})", shown(licence), shown(&parts.join(", ")))
                }
            };
            Some((Rule::Denied, format!("has the licence {what}")))
        }
        Ruling::Unknown => Some((Rule::Unknown, format!("has the licence `{}`, which is not SPDX", shown(licence)))),
    }
}

fn singly(said: BTreeMap<(Rule, String), BTreeSet<String>>, findings: &mut Vec<Finding>) {
    for ((rule, what), packages) in said {
        for package in packages {
            let message = format!("Package {} {what}", shown(&package));
            let package = (package.len() <= TERM_BYTES).then_some(package);
            findings.push(Finding { rule, message, package });
        }
    }
}

fn together(said: BTreeMap<(Rule, String), BTreeSet<String>>, findings: &mut Vec<Finding>) {
    let mut rest: BTreeMap<Rule, (usize, usize)> = BTreeMap::new();
    let mut lines: BTreeMap<Rule, usize> = BTreeMap::new();
    for ((rule, what), packages) in said {
        let lines = lines.entry(rule).or_default();
        *lines += 1;
        if *lines > GROUPS {
            let (licences, others) = rest.entry(rule).or_default();
            *licences += 1;
            *others += packages.len();
            continue;
        }
        let named: Vec<_> = packages.iter().take(NAMED).map(|package| shown(package)).collect();
        let more = packages.len() - named.len();
        let list = match more {
            0 => named.join(", "),
            _ => format!("{} and {more} more", named.join(", ")),
        };
        let message = match packages.len() {
            1 => format!("Package {list} {what}"),
            many => format!("Each of {many} packages {what} ({list})"),
        };
        findings.push(Finding { rule, message, package: None });
    }
    for (rule, (licences, packages)) in rest {
        let what = match rule {
            Rule::Denied => "have licences that are not allowed",
            Rule::Unknown | Rule::Sbom => "have licences that are not SPDX",
        };
        let message = format!("Another {packages} packages {what}, in {licences} spellings");
        findings.push(Finding { rule, message, package: None });
    }
}

/// Text from the SBOM, cut to a length that fits on a screen.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, licences: &[&str]) -> Package {
        let licences = licences.iter().map(|licence| (*licence).to_owned()).collect();
        Package { name: name.to_owned(), licences, part: false }
    }

    fn lines(sboms: Vec<Result<Vec<Package>, String>>) -> Vec<String> {
        let terms = Terms::new(&["MIT".to_owned()], &["GPL-3.0-only".to_owned()]).unwrap();
        let line = |finding: &Finding| {
            format!("{}[{}] {}", finding.rule.code(), finding.package.as_deref().unwrap_or("-"), finding.message)
        };
        findings(&terms, sboms).iter().map(line).collect()
    }

    #[test]
    fn each_package_that_is_not_fine_is_named_once() {
        let packages = || {
            vec![
                package("pkg:b", &["GPL-3.0-only"]),
                package("pkg:a", &["MIT AND ISC"]),
                package("pkg:c", &[]),
                package("pkg:d", &["Own"]),
                package("pkg:e", &["MIT", "MIT OR GPL-3.0-only"]),
                Package { part: true, ..package("/etc/passwd", &[]) },
            ]
        };
        assert_eq!(
            lines(vec![Ok(packages()), Ok(packages())]),
            [
                "licences.denied[pkg:b] Package pkg:b has the licence GPL-3.0-only, which is denied",
                "licences.denied[pkg:a] Package pkg:a has the licence MIT AND ISC (ISC is not allowed)",
                "licences.unknown[pkg:c] Package pkg:c has no licence",
                "licences.unknown[pkg:d] Package pkg:d has the licence `Own`, which is not SPDX",
            ]
        );
    }

    #[test]
    fn no_sbom_and_an_empty_one_are_violations() {
        assert_eq!(lines(vec![]), ["licences.sbom[-] The image has no verified CycloneDX SBOM attestation"]);
        assert_eq!(lines(vec![Ok(vec![])]), ["licences.sbom[-] The CycloneDX SBOM lists no packages"]);
        assert_eq!(lines(vec![Err("odd".to_owned())]), ["licences.sbom[-] The CycloneDX SBOM cannot be read: odd"]);
    }

    #[test]
    fn many_findings_are_put_together() {
        let same = (0..1_000).map(|n| package(&format!("pkg:{n:04}"), &["GPL-3.0-only"]));
        let mut packages: Vec<_> = same.collect();
        packages.extend((0..500).map(|n| package(&format!("odd:{n}"), &[&format!("Odd {n:03}")])));
        let lines = lines(vec![Ok(packages)]);
        assert_eq!(lines.len(), 1 + GROUPS + 1);
        assert_eq!(
            lines[0],
            "licences.denied[-] Each of 1000 packages has the licence GPL-3.0-only, which is denied \
             (pkg:0000, pkg:0001, pkg:0002, pkg:0003, pkg:0004 and 995 more)"
        );
        assert_eq!(lines[1], "licences.unknown[-] Package odd:0 has the licence `Odd 000`, which is not SPDX");
        assert_eq!(
            lines[GROUPS + 1],
            "licences.unknown[-] Another 400 packages have licences that are not SPDX, in 400 spellings"
        );
    }

    #[test]
    fn long_names_are_cut() {
        let line = lines(vec![Ok(vec![package(&"é".repeat(9_000), &[&"x".repeat(9_000)])])]);
        let message = line[0].split_once("] ").unwrap().1;
        assert!(message.chars().count() < 500, "{message}");
    }
}
