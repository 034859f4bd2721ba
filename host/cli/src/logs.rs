//! [`start`] and [`debug`]: what the program says of its work, on standard error or in a file, in the wanted form.
//!
//! Log messages are for debugging; what a user must know is in reports and [`printer`](crate::printer).
//! Nothing here is started but by `main`.

use std::{
    fmt::Write as _,
    io::{self, Write},
    panic::Location,
    sync::{Mutex, OnceLock, PoisonError},
};

use assay_app::Mode;
use assay_gocompat::{json, sanitize};
use assay_model::redact;
use jiff::{Timestamp, Unit};
use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::{
    error::CliError,
    flags::global::{GlobalFlags, LogFormat, Trace},
};

/// The forms in which a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineFormat {
    /// `2026-01-31T12:00:00Z debug: the evaluation of a component starts component=cart`
    Plain,
    /// `time="2026-01-31T12:00:00Z" level=debug msg="the evaluation of a component starts" component=cart`, as `ec`
    /// writes it.
    Ec,
    /// `{"time":"2026-01-31T12:00:00Z","level":"debug","message":"…","fields":{"component":"cart"}}`
    Json,
}

/// Begins to write messages.
///
/// # Errors
/// The file cannot be opened.
pub(crate) fn start(flags: &GlobalFlags, mode: Mode) -> Result<(), CliError> {
    let logfile = flags.logfile.as_deref().filter(|path| !path.is_empty());
    let out: Box<dyn Write + Send> = match logfile {
        None => Box::new(io::stderr()),
        Some(path) => {
            let opened = fs_err::OpenOptions::new().create(true).append(true).open(path);
            let hint = "choose a file in a directory that you can write to";
            Box::new(opened.map_err(|error| CliError::new(format!("`--logfile`: {error}")).hint(hint))?)
        }
    };
    let format = match (flags.log_format, mode) {
        (LogFormat::Json, _) => LineFormat::Json,
        (LogFormat::Text, Mode::EcCompat) => LineFormat::Ec,
        (LogFormat::Text, Mode::Native) => LineFormat::Plain,
    };
    let level = level(flags);
    let sink = SINK.get_or_init(|| Sink {
        format,
        level,
        has_location: flags.debug,
        in_file: logfile.is_some(),
        out: Mutex::new(out),
    });
    if flags.trace.contains(&Trace::All) && log::set_logger(sink).is_ok() {
        log::set_max_level(level);
    }
    if flags.trace.iter().any(|kind| matches!(kind, Trace::Perf | Trace::Cpu | Trace::Mem)) {
        warn("`--trace` does not profile time or memory: use `perf` or `heaptrack`", &[]);
    }
    Ok(())
}

/// Something that may be wrong, with its fields by name.
#[track_caller]
pub(crate) fn warn(text: &str, fields: &[(&str, &str)]) {
    log_message(Level::Warn, text, fields, Location::caller());
}

/// A warning of the program for its user, where messages are read apart from notes: in a file, in `ec`'s form or as JSON.
/// False where the user has not seen it by that.
#[track_caller]
pub(crate) fn warn_apart(text: &str) -> bool {
    let Some(sink) = SINK.get().filter(|sink| sink.format != LineFormat::Plain || sink.in_file) else { return false };
    log_message(Level::Warn, text, &[], Location::caller());
    !sink.in_file || sink.format == LineFormat::Ec
}

/// An event with its fields by name.
#[track_caller]
pub(crate) fn debug(text: &str, fields: &[(&str, &str)]) {
    log_message(Level::Debug, text, fields, Location::caller());
}

/// The one place that messages go to. Before [`start`] they go nowhere.
static SINK: OnceLock<Sink> = OnceLock::new();

fn log_message(level: Level, text: &str, fields: &[(&str, &str)], place: &Location<'_>) {
    let Some(sink) = SINK.get().filter(|sink| level <= sink.level) else { return };
    let fields = fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    sink.write(Message::new(level, text, fields, Some((place.file(), place.line()))));
}

/// The levels are those of `ec`.
fn level(flags: &GlobalFlags) -> LevelFilter {
    if flags.traces() {
        LevelFilter::Trace
    } else if flags.debug || flags.verbose {
        LevelFilter::Debug
    } else if flags.quiet {
        LevelFilter::Error
    } else {
        LevelFilter::Warn
    }
}

/// Where messages go.
struct Sink {
    format: LineFormat,
    level: LevelFilter,
    /// Whether each message includes the source line it comes from.
    has_location: bool,
    /// Whether messages go to a file instead of standard error.
    in_file: bool,
    out: Mutex<Box<dyn Write + Send>>,
}

impl Sink {
    fn write(&self, message: Message) {
        let message = if self.has_location { message } else { Message { place: None, ..message } };
        let mut line = message.line(self.format, Timestamp::now());
        line.push('\n');
        // A failure to log cannot be logged.
        let _closed = self.out.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }
}

/// What libraries say: heard with `--trace=all` alone.
impl Log for Sink {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.level
    }

    fn log(&self, record: &Record<'_>) {
        let fields = vec![("from".to_owned(), record.target().to_owned())];
        self.write(Message::new(record.level(), &record.args().to_string(), fields, record.file().zip(record.line())));
    }

    fn flush(&self) {
        let _closed = self.out.lock().unwrap_or_else(PoisonError::into_inner).flush();
    }
}

/// A message, taken apart.
#[derive(Debug)]
struct Message {
    level: Level,
    text: String,
    /// In the order of their names.
    fields: Vec<(String, String)>,
    /// The line of the program.
    place: Option<String>,
}

impl Message {
    /// Libraries log whole URLs, so secrets are redacted from everything.
    fn new(level: Level, text: &str, mut fields: Vec<(String, String)>, place: Option<(&str, u32)>) -> Self {
        fields.sort();
        for (_, value) in &mut fields {
            *value = redact::message(value);
        }
        Self { level, text: redact::message(text), fields, place: place.map(|(file, line)| format!("{file}:{line}")) }
    }

    fn line(&self, format: LineFormat, now: Timestamp) -> String {
        let now = now.round(Unit::Second).unwrap_or(now);
        let mut line = String::new();
        // Writing to a String cannot fail.
        let _infallible = match format {
            LineFormat::Plain => self.plain(&mut line, now),
            LineFormat::Ec => self.ec(&mut line, now),
            LineFormat::Json => {
                let fields: serde_json::Map<_, _> =
                    self.fields.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
                let mut object = serde_json::json!({
                    "time": now.to_string(),
                    "level": self.level.as_str().to_ascii_lowercase(),
                    "message": self.text,
                    "fields": fields,
                });
                if let Some(place) = &self.place {
                    object["place"] = place.as_str().into();
                }
                write!(line, "{}", json::harmless(&object.to_string()))
            }
        };
        line
    }

    fn plain(&self, line: &mut String, now: Timestamp) -> std::fmt::Result {
        write!(line, "{now} {}: {}", self.level.as_str().to_ascii_lowercase(), tame(&self.text))?;
        for (key, value) in &self.fields {
            write!(line, " {key}={}", quoted(value))?;
        }
        match &self.place {
            Some(place) => write!(line, " ({place})"),
            None => Ok(()),
        }
    }

    /// The text form of logrus where standard error is not a terminal: fields by name after the message, and a value in
    /// quotes where it is more than a word.
    fn ec(&self, line: &mut String, now: Timestamp) -> std::fmt::Result {
        let level = match self.level {
            Level::Warn => "warning".to_owned(),
            other => other.as_str().to_ascii_lowercase(),
        };
        write!(line, "time=\"{now}\" level={level} msg={}", quoted(&self.text))?;
        if let Some(place) = &self.place {
            write!(line, " file={}", quoted(place))?;
        }
        for (key, value) in &self.fields {
            write!(line, " {key}={}", quoted(value))?;
        }
        Ok(())
    }
}

/// A value as logrus writes it: bare where it is one word.
fn quoted(value: &str) -> String {
    let is_bare = |character: char| character.is_ascii_alphanumeric() || "-._/@^+".contains(character);
    if value.chars().all(is_bare) { value.to_owned() } else { format!("\"{}\"", escaped(value, true)) }
}

/// Text in which nothing can begin a line of its own or move the cursor of a terminal.
fn tame(text: &str) -> String {
    escaped(text, false)
}

fn escaped(text: &str, quotes: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (character, is_command) in sanitize::characters(text) {
        match character {
            '"' | '\\' if quotes => escaped.extend(['\\', character]),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            harmful if is_command || sanitize::is_harmful(harmful) => escaped.extend(harmful.escape_unicode()),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str, fields: &[(&str, &str)], place: Option<&str>) -> Message {
        let fields = fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Message { level: Level::Warn, text: text.to_owned(), fields, place: place.map(str::to_owned) }
    }

    #[test]
    fn a_message_has_three_forms() {
        let now = "2026-01-31T12:00:00.4Z".parse().unwrap();
        let message = message("a \"b\"", &[("code", "not-found"), ("name", "a b")], Some("main.rs:1"));
        for (format, want) in [
            (LineFormat::Plain, "2026-01-31T12:00:00Z warn: a \"b\" code=not-found name=\"a b\" (main.rs:1)"),
            (
                LineFormat::Ec,
                "time=\"2026-01-31T12:00:00Z\" level=warning msg=\"a \\\"b\\\"\" file=\"main.rs:1\" code=not-found name=\"a b\"",
            ),
            (
                LineFormat::Json,
                "{\"time\":\"2026-01-31T12:00:00Z\",\"level\":\"warn\",\"message\":\"a \\\"b\\\"\",\
                 \"fields\":{\"code\":\"not-found\",\"name\":\"a b\"},\"place\":\"main.rs:1\"}",
            ),
        ] {
            assert_eq!(message.line(format, now), want);
        }
    }

    #[test]
    fn no_message_writes_a_second_line_or_commands_a_terminal() {
        let now = Timestamp::UNIX_EPOCH;
        for hostile in
            ["a\nerror: b", "\u{1b}[2J", "\r", "\u{9b}x", "\0", "\u{202e}x", "\u{200b}", "##vso[x]", "\u{2028}"]
        {
            let message = message(hostile, &[("x", hostile)], None);
            for format in [LineFormat::Plain, LineFormat::Ec, LineFormat::Json] {
                let line = message.line(format, now);
                assert!(!line.contains(sanitize::is_harmful) && !line.contains("##vso["), "{line:?}");
            }
        }
    }

    #[test]
    fn fields_stand_in_the_order_of_their_names() {
        let fields = [("b", "2"), ("a", "1")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let message = Message::new(Level::Debug, "done", fields.to_vec(), Some(("x.rs", 7)));
        assert_eq!(
            message.line(LineFormat::Plain, Timestamp::UNIX_EPOCH),
            "1970-01-01T00:00:00Z debug: done a=1 b=2 (x.rs:7)"
        );
    }
}
