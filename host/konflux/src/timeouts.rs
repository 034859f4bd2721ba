//! Time limits: durations as Go writes them, and the three limits of a pipeline, which must fit each other.

use assay_gocompat::duration::{self, InvalidDuration};
use serde_json::{Map, Value};

use crate::{
    fields::join,
    issue::{Issues, short},
    labels,
    plan::Timeouts,
};

const HOUR: u64 = 3_600_000;

/// What Konflux gives a pipeline, its tasks and its finally tasks when nothing is stated.
pub const DEFAULT: (u64, u64, u64) = (6 * HOUR, 4 * HOUR, 2 * HOUR);

/// A duration in milliseconds, rounded up. `None` when the field is absent or wrong, which is noted; `0` is no limit.
pub(crate) fn field(object: &Map<String, Value>, path: &str, field: &str, issues: &mut Issues) -> Option<u64> {
    match object.get(field).filter(|value| !value.is_null())? {
        // A reference is checked when it has a value.
        Value::String(text) if text.contains("$(") => None,
        Value::String(text) => read(text, &join(path, field), issues).filter(|limit| *limit > 0),
        Value::Number(number) if number.as_u64() == Some(0) => None,
        other => {
            issues.error(
                join(path, field),
                "duration",
                format!("`{other}` is not a duration"),
                "such as 90s, 30m or 1h30m",
            );
            None
        }
    }
}

/// Reads a duration; what is wrong is noted.
pub(crate) fn read(text: &str, path: &str, issues: &mut Issues) -> Option<u64> {
    let message = match duration::parse(text) {
        Ok(nanoseconds) => match u64::try_from(nanoseconds) {
            Ok(nanoseconds) => return Some(nanoseconds.div_ceil(1_000_000)),
            Err(_) => format!("`{}` is negative", short(text)),
        },
        Err(InvalidDuration::Form) => format!("`{}` is not a duration", short(text)),
        Err(InvalidDuration::MissingUnit) => format!("`{}` has no unit", short(text)),
        Err(InvalidDuration::UnknownUnit(unit)) => format!("`{}` has the unknown unit `{}`", short(text), short(unit)),
    };
    issues.error(path, "duration", message, suggested(text));
    None
}

fn suggested(text: &str) -> String {
    let digits: String = text.chars().take_while(char::is_ascii_digit).take(18).collect();
    let unit = text.trim_start_matches(|character: char| character.is_ascii_digit()).trim();
    match (digits.parse::<u64>(), unit.to_ascii_lowercase().as_str()) {
        (Ok(_), "" | "min" | "mins" | "minute" | "minutes") => format!("{digits}m"),
        (Ok(_), "sec" | "secs" | "second" | "seconds") => format!("{digits}s"),
        (Ok(_), "h" | "hour" | "hours" | "hr" | "hrs") => format!("{digits}h"),
        (Ok(days), "d" | "day" | "days") => format!("{}h", days.saturating_mul(24)),
        _ => "such as 90s, 30m or 1h30m".to_owned(),
    }
}

/// The limits that a scenario's annotations state, where they are what they should be: absent, or a duration.
#[must_use]
pub fn of_annotations(annotations: Option<&Map<String, Value>>, issues: &mut Issues) -> Timeouts {
    let mut stated = |name: &str| {
        let (name, text) = labels::find(annotations, name)?;
        let path = format!("metadata.annotations.{name}");
        Some((read(text, &path, issues), path))
    };
    let (pipeline, tasks, finally_tasks) =
        (stated(labels::PIPELINE_TIMEOUT), stated(labels::TASKS_TIMEOUT), stated(labels::FINALLY_TIMEOUT));
    let path = [&pipeline, &tasks, &finally_tasks].into_iter().flatten().map(|(_, path)| path.clone()).next();
    let limit = |stated: Option<(Option<u64>, String)>| stated.and_then(|(limit, _)| limit);
    effective(limit(pipeline), limit(tasks), limit(finally_tasks), &path.unwrap_or_default(), issues)
}

/// The limits of `spec.timeouts`.
#[must_use]
pub fn of_spec(spec: &Map<String, Value>, path: &str, issues: &mut Issues) -> Option<Timeouts> {
    let old = field(spec, path, "timeout", issues);
    let Some(Value::Object(timeouts)) = spec.get("timeouts") else {
        return old.map(|limit| effective(Some(limit), None, None, path, issues));
    };
    let path = join(path, "timeouts");
    let mut limit = |name: &str| match timeouts.get(name) {
        // Zero is stated, and is no limit.
        Some(Value::String(text)) if !text.contains("$(") => read(text, &join(&path, name), issues),
        _ => field(timeouts, &path, name, issues),
    };
    let (pipeline, tasks, finally_tasks) = (limit("pipeline"), limit("tasks"), limit("finally"));
    Some(effective(pipeline, tasks, finally_tasks, &path, issues))
}

/// The three limits where any of them may be stated, `0` being no limit: what is missing is made from the others, and only
/// limits that cannot hold together are an error.
#[must_use]
pub fn effective(
    pipeline: Option<u64>,
    tasks: Option<u64>,
    finally_tasks: Option<u64>,
    path: &str,
    issues: &mut Issues,
) -> Timeouts {
    let some = |limit: u64| Some(limit).filter(|limit| *limit > 0);
    let Some(whole) = pipeline else {
        let (tasks, finally_tasks) = (tasks.unwrap_or(DEFAULT.1), finally_tasks.unwrap_or(DEFAULT.2));
        let is_unlimited = tasks == 0 || finally_tasks == 0;
        let whole = if is_unlimited { 0 } else { DEFAULT.0.max(tasks.saturating_add(finally_tasks)) };
        return Timeouts { pipeline: some(whole), tasks: some(tasks), finally_tasks: some(finally_tasks) };
    };
    if whole == 0 {
        return Timeouts { pipeline: None, tasks: tasks.and_then(some), finally_tasks: finally_tasks.and_then(some) };
    }
    let parts = tasks.unwrap_or(0).saturating_add(finally_tasks.unwrap_or(0));
    if parts > whole {
        let message = format!(
            "the tasks and the finally tasks together may take {}, and the pipeline only {}",
            written(parts),
            written(whole)
        );
        issues.error(path, "timeouts", message, format!("at least {} for the pipeline", written(parts)));
    }
    let tasks = match (tasks, finally_tasks) {
        (Some(tasks), _) => tasks,
        (None, Some(finally_tasks)) => whole.saturating_sub(finally_tasks),
        (None, None) => whole / 3 * 2,
    };
    let finally_tasks = finally_tasks.unwrap_or(whole.saturating_sub(tasks));
    Timeouts { pipeline: Some(whole), tasks: some(tasks), finally_tasks: some(finally_tasks) }
}

/// A duration as Go writes it.
#[must_use]
pub fn written(milliseconds: u64) -> String {
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut out = String::new();
    for (amount, unit) in [(hours, "h"), (minutes, "m"), (seconds, "s"), (rest, "ms")] {
        if amount > 0 {
            out.push_str(&format!("{amount}{unit}"));
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn annotated(pipeline: Option<&str>, tasks: Option<&str>, finally_tasks: Option<&str>) -> Result<String, String> {
        let mut annotations = Map::new();
        for (name, value) in [
            (labels::PIPELINE_TIMEOUT, pipeline),
            (labels::TASKS_TIMEOUT, tasks),
            (labels::FINALLY_TIMEOUT, finally_tasks),
        ] {
            if let Some(value) = value {
                annotations.insert(name.to_owned(), json!(value));
            }
        }
        let mut issues = Issues::default();
        let found = of_annotations(Some(&annotations), &mut issues);
        let shown = |limit: Option<u64>| limit.map_or("-".to_owned(), written);
        match issues.errors.first() {
            Some(error) => Err(format!("{} {}", error.path.rsplit('/').next().unwrap(), error.code)),
            None => Ok(format!("{} {} {}", shown(found.pipeline), shown(found.tasks), shown(found.finally_tasks))),
        }
    }

    /// P10: any subset may be stated.
    #[test]
    fn every_combination_of_stated_limits_has_three_effective_ones_or_an_error_with_its_path() {
        let (p, t, f, bad) = (Some("9h"), Some("5h"), Some("1h"), Some("5 hours"));
        for (pipeline, tasks, finally_tasks, want) in [
            (None, None, None, Ok("6h 4h 2h")),
            (p, None, None, Ok("9h 6h 3h")),
            (None, t, None, Ok("7h 5h 2h")),
            (None, None, f, Ok("6h 4h 1h")),
            (p, t, None, Ok("9h 5h 4h")),
            (p, None, f, Ok("9h 8h 1h")),
            (None, t, f, Ok("6h 5h 1h")),
            (p, t, f, Ok("9h 5h 1h")),
            (bad, None, None, Err("pipeline_timeout duration")),
            (None, bad, None, Err("tasks_timeout duration")),
            (None, None, bad, Err("finally_timeout duration")),
            (bad, t, f, Err("pipeline_timeout duration")),
            (p, bad, f, Err("tasks_timeout duration")),
            (p, t, bad, Err("finally_timeout duration")),
            (bad, bad, bad, Err("pipeline_timeout duration")),
            (Some("2h"), t, None, Err("pipeline_timeout timeouts")),
            (Some("5h"), t, f, Err("pipeline_timeout timeouts")),
            (Some("6h"), t, f, Ok("6h 5h 1h")),
            (Some("0"), t, f, Ok("- 5h 1h")),
            (None, Some("0"), f, Ok("- - 1h")),
            (Some("-1h"), None, None, Err("pipeline_timeout duration")),
            (Some("1h"), None, None, Ok("1h 40m 20m")),
        ] {
            let want = want.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(annotated(pipeline, tasks, finally_tasks), want, "{pipeline:?} {tasks:?} {finally_tasks:?}");
        }
    }

    #[test]
    fn a_duration_that_does_not_parse_has_a_suggestion() {
        for (text, want) in [
            ("30", "30m"),
            ("2 hours", "2h"),
            ("1d", "24h"),
            ("90 seconds", "90s"),
            ("soon", "such as 90s, 30m or 1h30m"),
        ] {
            let mut issues = Issues::default();
            assert_eq!(read(text, "p", &mut issues), None);
            assert_eq!(issues.errors[0].suggestion, want, "{text}");
        }
    }

    #[test]
    fn both_families_of_annotations_are_read() {
        let annotations = json!({"integration.konflux-ci.dev/tasks_timeout": "1h"});
        let found = of_annotations(annotations.as_object(), &mut Issues::default());
        assert_eq!(found.tasks, Some(HOUR));
    }
}
