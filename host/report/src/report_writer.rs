//! [`ReportWriter`]: where a report goes, written once. What is not written whole is an error, never a shorter report.

use std::io::Write;

use assay_model::port::ReportError;

/// A place to write one report to.
pub(crate) struct ReportWriter {
    format: &'static str,
    to: Option<Box<dyn Write + Send>>,
}

impl ReportWriter {
    /// A writer for a report of that format.
    pub(crate) fn new(format: &'static str, to: Box<dyn Write + Send>) -> Self {
        Self { format, to: Some(to) }
    }

    /// Writes the report and lets go of the place. Does nothing when that has been done: a run ends once.
    pub(crate) fn write(&mut self, text: &str) -> Result<(), ReportError> {
        let Some(mut to) = self.to.take() else { return Ok(()) };
        let written = to.write_all(text.as_bytes()).and_then(|()| to.flush());
        written.map_err(|error| self.error("could not be written", Some(Box::new(error))))
    }

    /// An error that names the report.
    pub(crate) fn error(&self, what: &str, source: Cause) -> ReportError {
        failure(self.format, what, source)
    }
}

/// What lies behind a failure.
type Cause = Option<Box<dyn std::error::Error + Send + Sync>>;

/// An error that names the report.
pub(crate) fn failure(format: &str, what: &str, source: Cause) -> ReportError {
    ReportError { what: format!("the {format} report {what}"), source }
}

#[cfg(test)]
mod tests {
    use std::{error::Error as _, io};

    use super::*;
    use crate::test_data::Written;

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_second_report_is_not_written_after_the_first() {
        let written = Written::default();
        let mut writer = ReportWriter::new("json", Box::new(written.clone()));
        writer.write("one").unwrap();
        writer.write("two").unwrap();
        assert_eq!(written.text(), "one");
    }

    #[test]
    fn a_full_disk_is_an_error_that_names_the_report() {
        let error = ReportWriter::new("json", Box::new(Full)).write("x").unwrap_err();
        assert_eq!(error.to_string(), "the json report could not be written");
        let cause = error.source().unwrap().downcast_ref::<io::Error>().unwrap();
        assert_eq!(cause.kind(), io::ErrorKind::StorageFull);
    }
}
