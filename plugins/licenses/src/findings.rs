//! [`evaluate_sboms`]: the findings for all packages, in a fixed order and of bounded number.

use std::collections::{BTreeMap, BTreeSet};

use assay_sbom::Package;

use crate::{
    exceptions::Exceptions,
    terms::{Evaluation, Terms},
};

/// More findings than this are grouped by license, so that the report stays readable.
const SINGLE: usize = 300;

/// Licenses with a finding of their own when findings are grouped.
const GROUPS: usize = 100;

/// Packages named in a finding about several.
const NAMED: usize = 5;

/// The longest package name by which a finding can be excluded; a package URL has some hundred bytes.
const TERM_BYTES: usize = 1024;

/// Characters shown of a name or an expression that comes from the SBOM.
const SHOWN: usize = 200;

/// The rules of this check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The image has a readable SBOM attestation.
    Sbom,
    /// Every package has an allowed license.
    Denied,
    /// Every package has a license that is an SPDX expression.
    Unknown,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 3] = [Self::Sbom, Self::Denied, Self::Unknown];

    /// The code of findings.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Sbom => "licenses.sbom",
            Self::Denied => "licenses.denied",
            Self::Unknown => "licenses.unknown",
        }
    }

    /// The title in reports.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Sbom => "Image must have an SBOM attestation",
            Self::Denied => "Packages must have an allowed license",
            Self::Unknown => "Package licenses must be SPDX expressions",
        }
    }

    /// How to fix a violation.
    pub const fn solution(self) -> &'static str {
        match self {
            Self::Sbom => "Attest an SBOM of the image in CycloneDX or SPDX format that lists its packages.",
            Self::Denied => {
                "Replace the package, add its license to the parameter `allow`, or the package to `exceptions`."
            }
            Self::Unknown => "Generate the SBOM with a tool that records licenses as SPDX expressions.",
        }
    }
}

/// One finding.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that is violated.
    pub rule: Rule,
    /// The message.
    pub message: String,
    /// The package, by which the finding can be excluded; none when it is about several.
    pub package: Option<String>,
}

/// Evaluates the packages of all SBOMs of an image. Each element of `sboms` is one, or why it cannot be read.
pub fn evaluate_sboms(
    terms: &Terms,
    exceptions: &Exceptions,
    sboms: Vec<Result<Vec<Package>, String>>,
) -> Vec<Finding> {
    let sbom = |message: String| Finding { rule: Rule::Sbom, message, package: None };
    let mut findings = Vec::new();
    if sboms.is_empty() {
        findings.push(sbom("The image has no verified SBOM attestation (CycloneDX or SPDX)".to_owned()));
    }
    // By rule, then by message, then by package: several SBOMs may list the same package.
    let mut messages: BTreeMap<(Rule, String), BTreeSet<String>> = BTreeMap::new();
    let mut evaluator = LicenseEvaluator { terms, exceptions, licenses: BTreeMap::new() };
    for packages in sboms {
        match packages {
            Err(why) => findings.push(sbom(format!("The SBOM cannot be read: {}", shown(&why)))),
            Ok(packages) if packages.is_empty() => {
                findings.push(sbom("The SBOM lists no packages".to_owned()));
            }
            Ok(packages) => {
                for package in packages {
                    for (rule, what) in evaluator.evaluate_package(&package) {
                        messages.entry((rule, what)).or_default().insert(package.called().into_owned());
                    }
                }
            }
        }
    }
    if messages.values().map(BTreeSet::len).sum::<usize>() > SINGLE {
        add_grouped(messages, &mut findings);
    } else {
        add_each(messages, &mut findings);
    }
    findings
}

/// Evaluates each license once: an image has thousands of packages and a handful of licenses.
struct LicenseEvaluator<'a> {
    terms: &'a Terms,
    exceptions: &'a Exceptions,
    licenses: BTreeMap<String, Option<(Rule, String)>>,
}

impl LicenseEvaluator<'_> {
    /// The violations of one package.
    fn evaluate_package(&mut self, package: &Package) -> Vec<(Rule, String)> {
        let called = package.called();
        if package.licenses.is_empty() && !package.is_part && !self.exceptions.covers(&called, None) {
            return vec![(Rule::Unknown, "has no license".to_owned())];
        }
        let mut found = Vec::new();
        for license in &package.licenses {
            let violation = self.evaluate_license(license);
            found.extend(violation.filter(|_| !self.exceptions.covers(&called, Some(license))));
        }
        found
    }

    fn evaluate_license(&mut self, license: &str) -> Option<(Rule, String)> {
        if let Some(known) = self.licenses.get(license) {
            return known.clone();
        }
        let result = evaluate(self.terms, license);
        self.licenses.insert(license.to_owned(), result.clone());
        result
    }
}

fn evaluate(terms: &Terms, license: &str) -> Option<(Rule, String)> {
    match terms.evaluate(license) {
        Evaluation::Allowed => None,
        Evaluation::Denied(denials) => {
            let what = match denials.as_slice() {
                [only] if only.license == license => format!("{}, which {}", only.license, only.why),
                several => {
                    let parts: Vec<_> = several.iter().map(|one| format!("{} {}", one.license, one.why)).collect();
                    format!("{} ({})", shown(license), shown(&parts.join(", ")))
                }
            };
            Some((Rule::Denied, format!("has the license {what}")))
        }
        Evaluation::Unknown => {
            Some((Rule::Unknown, format!("has the license `{}`, which is not SPDX", shown(license))))
        }
    }
}

fn add_each(messages: BTreeMap<(Rule, String), BTreeSet<String>>, findings: &mut Vec<Finding>) {
    for ((rule, what), packages) in messages {
        for package in packages {
            let message = format!("Package {} {what}", shown(&package));
            let package = (package.len() <= TERM_BYTES).then_some(package);
            findings.push(Finding { rule, message, package });
        }
    }
}

fn add_grouped(messages: BTreeMap<(Rule, String), BTreeSet<String>>, findings: &mut Vec<Finding>) {
    let mut rest: BTreeMap<Rule, (usize, usize)> = BTreeMap::new();
    let mut lines: BTreeMap<Rule, usize> = BTreeMap::new();
    for ((rule, what), packages) in messages {
        let lines = lines.entry(rule).or_default();
        *lines += 1;
        if *lines > GROUPS {
            let (licenses, others) = rest.entry(rule).or_default();
            *licenses += 1;
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
    for (rule, (licenses, packages)) in rest {
        let what = match rule {
            Rule::Denied => "have licenses that are not allowed",
            Rule::Unknown | Rule::Sbom => "have licenses that are not SPDX",
        };
        let message = format!("Another {packages} packages {what}, in {licenses} spellings");
        findings.push(Finding { rule, message, package: None });
    }
}

/// A string from the SBOM, cut to a length that fits on a screen.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, licenses: &[&str]) -> Package {
        let licenses = licenses.iter().map(|license| (*license).to_owned()).collect();
        Package { name: name.to_owned(), licenses, ..Package::default() }
    }

    fn lines(sboms: Vec<Result<Vec<Package>, String>>) -> Vec<String> {
        let terms = Terms::new(&["MIT".to_owned()], &["GPL-3.0-only".to_owned()]).unwrap();
        let line = |finding: &Finding| {
            format!("{}[{}] {}", finding.rule.code(), finding.package.as_deref().unwrap_or("-"), finding.message)
        };
        evaluate_sboms(&terms, &Exceptions::default(), sboms).iter().map(line).collect()
    }

    #[test]
    fn each_package_that_is_not_allowed_is_reported_once() {
        let packages = || {
            vec![
                package("pkg:b", &["GPL-3.0-only"]),
                package("pkg:a", &["MIT AND ISC"]),
                package("pkg:c", &[]),
                package("pkg:d", &["Own"]),
                package("pkg:e", &["MIT", "MIT OR GPL-3.0-only"]),
                Package { is_part: true, ..package("/etc/passwd", &[]) },
            ]
        };
        assert_eq!(
            lines(vec![Ok(packages()), Ok(packages())]),
            [
                "licenses.denied[pkg:b] Package pkg:b has the license GPL-3.0-only, which is denied",
                "licenses.denied[pkg:a] Package pkg:a has the license MIT AND ISC (ISC is not allowed)",
                "licenses.unknown[pkg:c] Package pkg:c has no license",
                "licenses.unknown[pkg:d] Package pkg:d has the license `Own`, which is not SPDX",
            ]
        );
    }

    #[test]
    fn a_package_with_an_exception_is_not_reported() {
        let terms = Terms::new(&[], &["GPL-3.0-only".to_owned()]).unwrap();
        let items = ["pkg:a=GPL-3.0-only", "pkg:b"].map(str::to_owned);
        let packages =
            vec![package("pkg:a", &["GPL-3.0-only"]), package("pkg:b", &[]), package("pkg:c", &["GPL-3.0-only"])];
        let found = evaluate_sboms(&terms, &Exceptions::new(&items).unwrap(), vec![Ok(packages)]);
        let packages: Vec<_> = found.iter().filter_map(|finding| finding.package.as_deref()).collect();
        assert_eq!(packages, ["pkg:c"]);
    }

    #[test]
    fn a_missing_sbom_and_an_empty_one_are_violations() {
        assert_eq!(lines(vec![]), ["licenses.sbom[-] The image has no verified SBOM attestation (CycloneDX or SPDX)"]);
        assert_eq!(lines(vec![Ok(vec![])]), ["licenses.sbom[-] The SBOM lists no packages"]);
        assert_eq!(lines(vec![Err("broken".to_owned())]), ["licenses.sbom[-] The SBOM cannot be read: broken"]);
    }

    #[test]
    fn many_findings_are_grouped_by_license() {
        let same = (0..1_000).map(|n| package(&format!("pkg:{n:04}"), &["GPL-3.0-only"]));
        let mut packages: Vec<_> = same.collect();
        packages.extend((0..500).map(|n| package(&format!("odd:{n}"), &[&format!("Odd {n:03}")])));
        let lines = lines(vec![Ok(packages)]);
        assert_eq!(lines.len(), 1 + GROUPS + 1);
        assert_eq!(
            lines[0],
            "licenses.denied[-] Each of 1000 packages has the license GPL-3.0-only, which is denied \
             (pkg:0000, pkg:0001, pkg:0002, pkg:0003, pkg:0004 and 995 more)"
        );
        assert_eq!(lines[1], "licenses.unknown[-] Package odd:0 has the license `Odd 000`, which is not SPDX");
        assert_eq!(
            lines[GROUPS + 1],
            "licenses.unknown[-] Another 400 packages have licenses that are not SPDX, in 400 spellings"
        );
    }

    #[test]
    fn long_names_are_truncated() {
        let line = lines(vec![Ok(vec![package(&"é".repeat(9_000), &[&"x".repeat(9_000)])])]);
        let message = line[0].split_once("] ").unwrap().1;
        assert!(message.chars().count() < 500, "{message}");
    }
}
