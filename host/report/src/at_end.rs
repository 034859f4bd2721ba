//! [`AtEnd`]: a report that is written in one piece when the run is over, as all but the event stream are.

use std::{io::Write, sync::Arc};

use assay_model::{
    event::{RunEvent, RunFinished, RunStarted},
    port::{Report, ReportError},
};

use crate::{Format, Options, sheet::Sheet};

/// What a format makes of a run that is over. Fails only where something cannot be put into JSON.
pub(crate) type Page = fn(&RunStarted, &RunFinished, Options) -> Result<String, serde_json::Error>;

/// Waits for the end of the run and writes one page about it.
pub(crate) struct AtEnd {
    sheet: Sheet,
    page: Page,
    options: Options,
    head: Option<Arc<RunStarted>>,
}

impl AtEnd {
    /// A report of that format, made by `page`, that will be written to `to`.
    pub(crate) fn new(format: Format, to: Box<dyn Write + Send>, options: Options, page: Page) -> Self {
        Self { sheet: Sheet::new(format.as_str(), to), page, options, head: None }
    }
}

impl Report for AtEnd {
    fn event(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        match event {
            RunEvent::Started(head) => self.head = Some(Arc::clone(head)),
            RunEvent::Planned { .. } | RunEvent::ComponentStarted { .. } | RunEvent::ComponentFinished(_) => {}
            RunEvent::Finished(end) => {
                let Some(head) = &self.head else {
                    return Err(self.sheet.error("has nothing to tell: the run ended before it began", None));
                };
                let page = (self.page)(head, end, self.options);
                let mut page =
                    page.map_err(|error| self.sheet.error("cannot be put into JSON", Some(Box::new(error))))?;
                if !page.ends_with('\n') {
                    page.push('\n');
                }
                self.sheet.write(&page)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{make, sample};

    #[test]
    fn an_end_without_a_beginning_is_an_error_and_writes_nothing() {
        let written = sample::Written::default();
        let mut report = make(Format::Json, Box::new(written.clone()), Options::default());
        let error = report.event(&RunEvent::Finished(sample::end(&[]).into())).unwrap_err();
        assert_eq!(error.to_string(), "the json report has nothing to tell: the run ended before it began");
        assert_eq!(written.text(), "");
    }
}
