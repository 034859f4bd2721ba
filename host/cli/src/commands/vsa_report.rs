//! [`VsaReport`]: what `validate vsa` found, in the forms of `ec`: text, JSON, YAML and the status alone.
//!
//! `details`, which `ec` does not have, says for each image which VSA counts, or why none does. All images must pass; in `ec` one
//! that passes an evaluation is enough.

use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};

use assay_app::{
    Mode,
    vsa::{CheckedVsa, DifferenceKind, VsaVerdict},
};
use assay_gocompat::{json, sanitize};
use assay_model::{
    event::RunFinished,
    outcome::{Outcome, Verdict},
    vsa::PASSED,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

const TITLE: &str = "VALIDATE VSA RESULT";
/// The digits of a digest that are shown, as in `ec`.
const DIGITS: usize = 8;

/// The evaluation of images without a VSA that counts.
#[derive(Debug)]
pub(super) struct Fallback {
    /// Its end.
    pub(super) end: Arc<RunFinished>,
    /// Its report as JSON.
    pub(super) json: Value,
    /// Its report as text.
    pub(super) text: String,
}

/// What was found.
#[derive(Debug)]
pub(super) struct VsaReport<'a> {
    pub(super) mode: Mode,
    pub(super) now: Timestamp,
    /// Whether signatures of VSAs were verified.
    pub(super) signatures_verified: bool,
    pub(super) checked: &'a [CheckedVsa],
    pub(super) fallback: Option<&'a Fallback>,
}

impl VsaReport<'_> {
    /// The verdict over all images.
    pub(super) fn verdict(&self) -> Verdict {
        self.checked.iter().map(|one| self.verdict_of(one)).max().unwrap_or(Verdict::Error)
    }

    fn verdict_of(&self, checked: &CheckedVsa) -> Verdict {
        match (&checked.verdict, self.evaluated(checked)) {
            (VsaVerdict::Passed { .. }, _) => Verdict::Allowed,
            (_, Some(evaluated)) => evaluated,
            (VsaVerdict::Refused(_), None) => Verdict::Denied,
            (VsaVerdict::Unknown(_), None) => Verdict::Error,
        }
    }

    /// The verdict of the evaluation of one image, with everything in it if it is an index; none if it was not evaluated.
    fn evaluated(&self, checked: &CheckedVsa) -> Option<Verdict> {
        let fallback = self.fallback.filter(|_| !checked.passed())?;
        let name = &checked.component.name;
        let is_part = |outcome: &&Outcome| {
            let rest = outcome.component.name.strip_prefix(name.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("-sha256:"))
        };
        Some(Verdict::of(fallback.end.outcomes.iter().map(AsRef::as_ref).filter(is_part)))
    }

    /// Why images do not pass, one sentence each.
    pub(super) fn failures(&self) -> Vec<String> {
        let failed = self.checked.iter().filter(|one| self.verdict_of(one) != Verdict::Allowed);
        failed.map(|one| format!("{}: {}", shown(&one.component.name), self.reason(one))).collect()
    }

    fn reason(&self, checked: &CheckedVsa) -> String {
        let reason = match &checked.verdict {
            VsaVerdict::Passed { .. } => String::new(),
            VsaVerdict::Refused(refused) => shown(&refused.reason),
            VsaVerdict::Unknown(why) => shown(why),
        };
        match self.evaluated(checked) {
            Some(Verdict::Denied) => format!("{reason}; it was evaluated and has violations"),
            Some(Verdict::Error) => format!("{reason}; it could not be evaluated"),
            Some(Verdict::Allowed) | None => reason,
        }
    }

    fn overall(&self) -> &'static str {
        if self.verdict() == Verdict::Allowed { "✅ PASSED" } else { "❌ FAILED" }
    }

    fn fallback_use(&self) -> &'static str {
        match self.checked.iter().filter(|one| self.evaluated(one).is_some()).count() {
            0 => "",
            count if count == self.checked.len() => "used for all images",
            _ => "used for some images",
        }
    }

    fn image_lines(&self) -> Vec<String> {
        let line = |(at, one): (usize, &CheckedVsa)| {
            let vsa = match &one.verdict {
                VsaVerdict::Passed { .. } => "PASSED".to_owned(),
                VsaVerdict::Refused(refused) => format!("FAILED(reason={})", words(refused.code)),
                VsaVerdict::Unknown(_) => "FAILED(reason=unknown)".to_owned(),
            };
            let fallback = match self.evaluated(one) {
                None => "",
                Some(Verdict::Allowed) => "  Fallback=PASSED",
                Some(Verdict::Denied | Verdict::Error) => "  Fallback=FAILED",
            };
            format!("    [{}] …{}  VSA={vsa}{fallback}", at + 1, short(one))
        };
        self.checked.iter().enumerate().map(line).collect()
    }

    /// The rows of the section about VSAs: signature, predicate, policy, reasons.
    fn summary(&self) -> [String; 4] {
        let status = |one: &CheckedVsa| match &one.verdict {
            VsaVerdict::Passed { .. } => Some(true),
            VsaVerdict::Refused(refused) => refused.status.as_deref().map(|status| status == PASSED),
            VsaVerdict::Unknown(_) => None,
        };
        let known = self.checked.iter().filter_map(status).collect::<Vec<_>>();
        let (passed, all) = (known.iter().filter(|passed| **passed).count(), known.len());
        let is_verified = self.signatures_verified && all == self.checked.len();
        let predicate = match (passed, all - passed) {
            (0, 0) => "(no predicate data)".to_owned(),
            (_, 0) => format!("passed ({passed}/{all})"),
            (0, failed) => format!("failed ({failed}/{all})"),
            (_, failed) => format!("mixed (passed: {passed}, failed: {failed})"),
        };
        let (mismatches, [added, removed, changed]) = self.differences();
        let compared = mismatches.len() + self.checked.iter().filter(|one| one.passed()).count();
        let policy = match (compared, mismatches.len()) {
            (0, _) => "(no policy data)".to_owned(),
            (_, 0) => "matches (no differences)".to_owned(),
            (_, count) => {
                format!("mismatches on {count}/{compared} images (adds={added}, removes={removed}, changes={changed})")
            }
        };
        let reasons: BTreeSet<String> = self
            .checked
            .iter()
            .filter_map(|one| match &one.verdict {
                VsaVerdict::Passed { .. } => None,
                VsaVerdict::Refused(refused) => Some(words(refused.code)),
                VsaVerdict::Unknown(_) => Some("unknown".to_owned()),
            })
            .collect();
        let reasons = reasons.into_iter().collect::<Vec<_>>().join(", ");
        [if is_verified { "VERIFIED" } else { "NOT VERIFIED" }.to_owned(), predicate, policy, reasons]
    }

    /// The images with another policy, and how much of it was added, removed and changed.
    fn differences(&self) -> (Vec<String>, [usize; 3]) {
        let mut images = Vec::new();
        let mut counts = [0; 3];
        for one in self.checked {
            let VsaVerdict::Refused(refused) = &one.verdict else { continue };
            if refused.differences.is_empty() {
                continue;
            }
            images.push(short(one));
            let kinds = [DifferenceKind::Added, DifferenceKind::Removed, DifferenceKind::Changed];
            for (count, kind) in counts.iter_mut().zip(kinds) {
                *count += refused.differences.iter().filter(|difference| difference.kind == kind).count();
            }
        }
        (images, counts)
    }

    /// The rows of the section about policies; none if they are the same.
    fn policy_rows(&self) -> Option<[String; 4]> {
        let (images, [added, removed, changed]) = self.differences();
        let count = |prefix: &str, count: usize| match count {
            0 => "none".to_owned(),
            count => format!("{prefix}{count}"),
        };
        let added = count(if self.mode.is_ec() { "[include] " } else { "" }, added);
        (!images.is_empty()).then(|| [images.join(", "), added, count("", removed), count("", changed)])
    }

    /// The report for people.
    pub(super) fn text(&self) -> String {
        let mut text = format!("=== {TITLE} — {} ===\n\nResult\n  Overall: {}\n", self.time(), self.overall());
        // Writing to a String cannot fail.
        let mut write = |row: std::fmt::Arguments<'_>| {
            let _infallible = text.write_fmt(row);
        };
        if !self.fallback_use().is_empty() {
            write(format_args!("  Fallback: {}\n", self.fallback_use()));
        }
        write(format_args!("  Images ({}):\n", self.checked.len()));
        for (line, checked) in self.image_lines().iter().zip(self.checked) {
            write(format_args!("{line}\n"));
            if !self.mode.is_ec() {
                let reason = match &checked.verdict {
                    VsaVerdict::Passed { place, timestamp } => format!("`{}`, made at {timestamp}", shown(place)),
                    VsaVerdict::Refused(_) | VsaVerdict::Unknown(_) => self.reason(checked),
                };
                write(format_args!("        {}: {reason}\n", shown(&checked.component.name)));
            }
        }
        let [signature, predicate, policy, reasons] = self.summary();
        write(format_args!("\nVSA Summary\n  Signature: {signature}\n  Predicate: {predicate}\n  Policy: {policy}\n"));
        if !reasons.is_empty() {
            write(format_args!("  Fallback reason(s): {reasons}\n"));
        }
        if let Some([images, added, removed, changed]) = self.policy_rows() {
            write(format_args!("\nPolicy Diff (summary)\n  Affected images: [{images}]\n"));
            write(format_args!("  Added:   {added}\n  Removed: {removed}\n  Changed: {changed}\n"));
            if !self.mode.is_ec() {
                self.difference_lines().iter().for_each(|line| write(format_args!("  {line}\n")));
            }
        }
        write(format_args!("\n"));
        if let Some(fallback) = self.fallback {
            write(format_args!("=== FALLBACK: VALIDATE IMAGE ===\n{}", fallback.text));
        }
        text
    }

    fn difference_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for one in self.checked {
            let VsaVerdict::Refused(refused) = &one.verdict else { continue };
            for difference in &refused.differences {
                let sign = match difference.kind {
                    DifferenceKind::Added => '+',
                    DifferenceKind::Removed => '-',
                    DifferenceKind::Changed => '~',
                };
                lines.push(format!("{sign} {}: {}", short(one), shown(&difference.what)));
            }
        }
        lines
    }

    /// RFC 3339 in whole seconds.
    fn time(&self) -> String {
        Timestamp::from_second(self.now.as_second()).unwrap_or(self.now).to_string()
    }

    fn document(&self) -> Value {
        let mut result = Map::new();
        result.insert("overall".to_owned(), self.overall().into());
        if !self.fallback_use().is_empty() {
            result.insert("fallback".to_owned(), self.fallback_use().into());
        }
        result.insert("image_count".to_owned(), self.checked.len().into());
        result.insert("images".to_owned(), self.image_lines().into());
        let [signature, predicate, policy, reasons] = self.summary();
        let mut summary = json!({"signature": signature, "predicate": predicate, "policy": policy});
        if !reasons.is_empty() {
            summary["fallback_reasons"] = reasons.into();
        }
        let mut document = json!({
            "header": {"title": TITLE, "timestamp": self.time()},
            "result": result,
            "vsa_summary": summary,
        });
        if let Some([images, added, removed, changed]) = self.policy_rows() {
            document["policy_diff"] =
                json!({"affected_images": images, "added": added, "removed": removed, "changed": changed});
        }
        if !self.mode.is_ec() {
            document["details"] = self.checked.iter().map(|one| self.detail(one)).collect();
        }
        if let Some(fallback) = self.fallback {
            document["fallback"] = fallback.json.clone();
        }
        document
    }

    fn detail(&self, checked: &CheckedVsa) -> Value {
        let image =
            checked.image.as_ref().map_or_else(|| checked.component.container_image.clone(), ToString::to_string);
        let mut detail = json!({
            "name": checked.component.name,
            "containerImage": image,
            "success": self.verdict_of(checked) == Verdict::Allowed,
        });
        match &checked.verdict {
            VsaVerdict::Passed { place, timestamp } => {
                detail["vsa"] = json!({"place": place, "timestamp": timestamp.to_string()});
            }
            VsaVerdict::Refused(refused) => {
                let kind = |kind| match kind {
                    DifferenceKind::Added => "added",
                    DifferenceKind::Removed => "removed",
                    DifferenceKind::Changed => "changed",
                };
                let differences =
                    refused.differences.iter().map(|one| json!({"kind": kind(one.kind), "what": one.what}));
                detail["refused"] = json!({"code": refused.code, "reason": refused.reason, "place": refused.place});
                if !refused.differences.is_empty() {
                    detail["refused"]["differences"] = differences.collect();
                }
            }
            VsaVerdict::Unknown(why) => detail["error"] = why.as_str().into(),
        }
        detail
    }

    /// The report for programs.
    pub(super) fn json(&self) -> String {
        json::indented(&json::to_string(&self.document()).unwrap_or_default())
    }

    /// The same as YAML.
    pub(super) fn yaml(&self) -> String {
        assay_report::to_yaml(&self.document())
    }

    /// Whether all images pass, and nothing else.
    pub(super) fn status(&self) -> String {
        let result = if self.verdict() == Verdict::Allowed { "SUCCESS" } else { "FAILURE" };
        json!({"result": result}).to_string()
    }
}

/// The first digits of an image's digest; the end of a reference without one, as in `ec`.
fn short(checked: &CheckedVsa) -> String {
    match &checked.image {
        Some(image) => image.digest.hex().chars().take(DIGITS).collect(),
        None => {
            let text: Vec<char> = checked.component.container_image.chars().collect();
            shown(&text.iter().skip(text.len().saturating_sub(DIGITS)).collect::<String>())
        }
    }
}

/// A code in words, as `ec` shows its own.
fn words(code: &str) -> String {
    code.replace(['_', '-'], " ")
}

/// Text from outside on one line.
fn shown(text: &str) -> String {
    sanitize::line(text).into_owned()
}

#[cfg(test)]
mod tests;
