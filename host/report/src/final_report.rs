//! [`FinalReport`]: a report that is written in one piece when the run finished, as all but the event stream are.

use std::{io::Write, sync::Arc};

use assay_model::{
    event::{RunEvent, RunFinished, RunStarted},
    port::{Report, ReportError},
};

use crate::{Format, Options, report_writer::ReportWriter};

/// What a format makes of a run that is over. Fails only where something cannot be put into JSON.
pub(crate) type RenderFn = fn(&RunStarted, &RunFinished, Options) -> Result<String, serde_json::Error>;

/// Waits for the end of the run and writes one page about it.
pub(crate) struct FinalReport {
    writer: ReportWriter,
    render: RenderFn,
    options: Options,
    head: Option<Arc<RunStarted>>,
}

impl FinalReport {
    /// A report of that format, made by `render`, that will be written to `to`.
    pub(crate) fn new(format: Format, to: Box<dyn Write + Send>, options: Options, render: RenderFn) -> Self {
        Self { writer: ReportWriter::new(format.as_str(), to), render, options, head: None }
    }
}

impl Report for FinalReport {
    fn event(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        match event {
            RunEvent::Started(head) => self.head = Some(Arc::clone(head)),
            RunEvent::Planned { .. } | RunEvent::ComponentStarted { .. } | RunEvent::ComponentFinished(_) => {}
            RunEvent::Finished(end) => {
                let Some(head) = &self.head else {
                    return Err(self.writer.error("cannot be written: the run ended before it started", None));
                };
                let render = (self.render)(head, end, self.options);
                let mut render =
                    render.map_err(|error| self.writer.error("cannot be put into JSON", Some(Box::new(error))))?;
                if !render.ends_with('\n') {
                    render.push('\n');
                }
                self.writer.write(&render)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{create_report, test_data};

    #[test]
    fn an_end_without_a_beginning_is_an_error_and_writes_nothing() {
        let written = test_data::Written::default();
        let mut report = create_report(Format::Json, Box::new(written.clone()), Options::default());
        let error = report.event(&RunEvent::Finished(test_data::end(&[]).into())).unwrap_err();
        assert_eq!(error.to_string(), "the json report cannot be written: the run ended before it started");
        assert_eq!(written.text(), "");
    }
}
