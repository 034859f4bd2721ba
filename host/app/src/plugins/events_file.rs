//! [`EventsFile`]: the events of a run in a file, a line of JSON for each, as `--output jsonl=FILE` writes them.

use assay_model::{error::EvaluationError, limits};
use assay_wasm::{EventLog, StoredEvent};
use camino::Utf8Path;
use serde_json::Value;

use crate::{error::RequestError, read::read_text};

/// The events of a file, numbered from 1 in its order.
#[derive(Debug, Default)]
pub(crate) struct EventsFile(Vec<StoredEvent>);

impl EventsFile {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or a line is not JSON.
    pub(crate) fn read(file: &Utf8Path) -> Result<Self, RequestError> {
        Self::parse(&read_text(file, "--events", limits::BLOB_BYTES)?, file)
    }

    /// The events of a text. Of one that has its time in `at`, in milliseconds since 1970 or as text, reporters see that.
    fn parse(text: &str, file: &Utf8Path) -> Result<Self, RequestError> {
        let mut events = Vec::new();
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let event: Value = serde_json::from_str(line).map_err(|error| {
                RequestError::new(format!("line {number} of `{file}` is not JSON: {error}"))
                    .hint("`--events` reads what `--output jsonl=FILE` writes")
            })?;
            let after = u64::try_from(events.len()).unwrap_or(u64::MAX);
            events.push(StoredEvent {
                number: after.saturating_add(1),
                at: time_of(&event),
                document: line.to_owned(),
            });
        }
        Ok(Self(events))
    }
}

fn time_of(event: &Value) -> u64 {
    let at = &event["at"];
    let text = at.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let parsed = text.and_then(|time| u64::try_from(time.as_millisecond()).ok());
    at.as_u64().or(parsed).unwrap_or_default()
}

impl EventLog for EventsFile {
    fn after(&self, number: u64, limit: u32) -> Result<Vec<StoredEvent>, EvaluationError> {
        let (start, limit) =
            (usize::try_from(number).unwrap_or(usize::MAX), usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(self.0.iter().skip(start).take(limit).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_events_in_their_order_and_a_broken_one_is_named() {
        let text = "{\"event\":\"first\",\"at\":5}\n\n{\"event\":\"last\",\"at\":\"1970-01-01T00:00:01Z\"}\n";
        let events = EventsFile::parse(text, Utf8Path::new("e.jsonl")).unwrap();
        let all = events.after(0, 10).unwrap();
        assert_eq!(all.iter().map(|event| (event.number, event.at)).collect::<Vec<_>>(), [(1, 5), (2, 1_000)]);
        assert_eq!(events.after(1, 10).unwrap()[0].document, text.lines().last().unwrap());
        assert_eq!(events.after(0, 1).unwrap().len(), 1);
        let error = EventsFile::parse("{}\nx\n", Utf8Path::new("e.jsonl")).unwrap_err();
        assert!(error.message().contains("line 2 of `e.jsonl`"), "{}", error.message());
    }
}
