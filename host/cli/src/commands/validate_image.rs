//! `assay validate image`: from flags to an exit code.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use assay_app::{
    ClusterAccess, Event, EventSink as _, Run, RunResult, ValidateImageRequest, ec_final_message, fetch_configuration,
    fetch_extra_data, open_evidence, policy_argument::STANDARD_INPUT,
};
use assay_model::{
    event::{RunEvent, RunFinished, RunStarted, StopReason},
    image::ImageRef,
    outcome::Verdict,
    port::{Report, ReportError},
};
use assay_report::Format;

use super::{events::Printed, log_reporter::LogReporter, progress::Progress, vsa_files};
use crate::{
    error::CliError,
    exit, files,
    flags::image::ImageFlags,
    printer::Printer,
    settings::{Environment, ImageSettings, Output, source_settings},
    signals::listen_for_signals,
};

/// Evaluates, writes the reports, and gives the exit code. An error is a request that cannot be carried out.
pub(crate) fn run(
    flags: ImageFlags,
    env: Environment,
    cluster: &ClusterAccess,
    printer: Printer,
) -> Result<u8, CliError> {
    let (mode, env_width) = (env.mode, env.terminal_width);
    let events = Printed::new(printer);
    let layout = flags.input.evidence.as_deref().map(open_evidence).transpose()?;
    // What the archive holds of a cluster stands for it.
    let archived = layout.as_ref().map(|layout| ClusterAccess::of_evidence(layout, mode));
    let cluster = archived.as_ref().unwrap_or(cluster);
    let mut sources = source_settings(&flags.sources, &env)?.offline(layout.is_some());
    sources.registries.layout.clone_from(&layout);
    let mut flags = flags;
    let is_standard_input = |argument: &Option<String>| argument.as_deref() == Some(STANDARD_INPUT);
    if is_standard_input(&flags.input.images) && is_standard_input(&flags.policy.policy) {
        return Err(CliError::new("`--images` and `--policy` cannot both be read from standard input")
            .hint("pass a file for one of them"));
    }
    let policy_source = flags.policy.policy.clone();
    flags.policy.policy = fetch_configuration(flags.policy.policy, &sources, cluster, &events)?;
    fetch_extra_data(&mut flags.policy.extra_rule_data, &sources, &events)?;
    let ImageSettings { mut request, outputs, strict, mut vsas } = ImageSettings::new(flags, env, cluster)?;
    if let Some(vsas) = &mut vsas {
        // The place, not what was read there.
        vsas.settings.policy_source = policy_source.unwrap_or_default();
    }
    request.sources.registries.layout = layout;
    let files: Vec<_> = outputs.iter().filter_map(|output| Some((output.format, output.file.clone()?))).collect();
    for (_, file) in &files {
        files::check_place(file)?;
    }
    let shows_text = outputs.iter().any(|output| output.format == Format::Text && output.file.is_none());
    let waits_for = waits_for(&request);
    let run = assay_app::start(request)?;
    let mut reports = Reports::new(&outputs, printer);
    reports.readers.push(Box::new(LogReporter));
    let head = RunHead::default();
    reports.readers.push(Box::new(head.clone()));
    if printer.shows_progress() {
        reports.readers.push(Box::new(Progress::on_terminal(&waits_for)));
    }
    let RunResult { finished: end, explanations } = read_events(run, &mut reports, &events)?;
    let mut written = !mode.writes_reports(&end) || reports.write(printer);
    if let (Some(vsas), Some(head)) = (&vsas, head.get())
        && mode.writes_reports(&end)
    {
        written &= vsa_files::write(vsas, &head, &end, printer);
    }
    explanations.iter().for_each(|line| printer.error(line));
    if mode.is_ec() {
        ec_final_message(&end, strict).into_iter().for_each(|text| printer.error(&text));
    } else {
        // Who has just read the verdict does not need it again.
        if !shows_text || env_width.is_none() {
            print_summary(&end, strict, printer);
        }
        if shows_text && written {
            files.iter().for_each(|(format, file)| printer.note(&format!("note: the {format} report is in {file}")));
        }
    }
    Ok(if written { exit::of(end.verdict, strict) } else { exit::ERROR })
}

/// What a run waits for before it has found its images.
fn waits_for(request: &ValidateImageRequest) -> String {
    if let Some(evidence) = &request.evidence {
        return format!("reading {evidence}");
    }
    let images = request.snapshot.components.iter().filter_map(|one| one.container_image.parse::<ImageRef>().ok());
    let hosts: BTreeSet<_> = images.map(|image| image.repository().registry().to_string()).collect();
    let more = if hosts.len() > 1 { format!(" and {} more", hosts.len() - 1) } else { String::new() };
    hosts.first().map_or_else(|| "resolving images".to_owned(), |host| format!("contacting {host}{more}"))
}

/// The start of a run, kept.
#[derive(Clone, Default)]
struct RunHead(Arc<Mutex<Option<Arc<RunStarted>>>>);

impl RunHead {
    fn get(&self) -> Option<Arc<RunStarted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Report for RunHead {
    fn event(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        if let RunEvent::Started(head) = event {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(head));
        }
        Ok(())
    }
}

/// The reports of a run as texts, for a command of which it is a part, and its end.
pub(super) fn run_for_texts(
    request: ValidateImageRequest,
    outputs: &[(Format, assay_report::Options)],
    events: &Printed,
) -> Result<(Vec<String>, Arc<RunFinished>), CliError> {
    let buffers: Vec<Buffer> = outputs.iter().map(|_| Buffer::default()).collect();
    let create = |((format, options), buffer): (&(Format, assay_report::Options), &Buffer)| {
        assay_report::create_report(*format, Box::new(buffer.clone()), *options)
    };
    let readers = outputs.iter().zip(&buffers).map(create).collect();
    let mut reports = Reports { readers, filled: Vec::new(), failures: Vec::new() };
    let run = assay_app::start(request)?;
    let RunResult { finished, .. } = read_events(run, &mut reports, events)?;
    if let Some(failure) = reports.failures.first() {
        return Err(CliError::from_error(failure));
    }
    let text = |buffer: &Buffer| {
        String::from_utf8_lossy(&buffer.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    };
    Ok((buffers.iter().map(text).collect(), finished))
}

/// Hands the events of a run to the reports. The process ends soon after, so threads that are still busy are not waited for.
fn read_events(mut run: Run, reports: &mut Reports, printed: &Printed) -> Result<RunResult, CliError> {
    while let Some(event) = run.next() {
        match event {
            Event::Run(event) => reports.event(&event),
            Event::Loaded => {
                // Before, there is nothing to report, and a signal ends the process as it ends any other.
                let canceler = run.canceler();
                if let Err(error) = listen_for_signals(move || canceler.cancel()) {
                    run.cancel();
                    return run.detach().map_err(CliError::from).and(Err(error));
                }
            }
            other => printed.event(other),
        }
    }
    Ok(run.detach()?)
}

/// The wanted reports, each rendered in memory and written to its destination when the run finished.
struct Reports {
    readers: Vec<Box<dyn Report + Send>>,
    filled: Vec<(Output, Buffer)>,
    failures: Vec<ReportError>,
}

/// What a report writes to; shared, as the report owns its end.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Standard output for a report that is streamed. A report to a file is written as a whole, as all are.
struct Live(Printer);

impl Write for Live {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.data(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Reports {
    fn new(outputs: &[Output], printer: Printer) -> Self {
        let mut reports = Self { readers: Vec::new(), filled: Vec::new(), failures: Vec::new() };
        for output in outputs {
            if output.format.streams() && output.file.is_none() {
                reports.readers.push(assay_report::create_report(
                    output.format,
                    Box::new(Live(printer)),
                    output.options,
                ));
                continue;
            }
            let buffer = Buffer::default();
            reports.readers.push(assay_report::create_report(output.format, Box::new(buffer.clone()), output.options));
            reports.filled.push((output.clone(), buffer));
        }
        reports
    }

    fn event(&mut self, event: &RunEvent) {
        for reader in &mut self.readers {
            if let Err(failure) = reader.event(event) {
                self.failures.push(failure);
            }
        }
    }

    /// Writes every report to its destination. False, after printing the reasons, if one could not be written.
    fn write(self, printer: Printer) -> bool {
        let mut complete = self.failures.is_empty();
        // Of a reader that went away there is nothing to say.
        for failure in self.failures.iter().filter(|failure| !is_broken_pipe(*failure)) {
            printer.error(&CliError::from_error(failure).text());
        }
        for (output, buffer) in &self.filled {
            let bytes = std::mem::take(&mut *buffer.0.lock().unwrap_or_else(PoisonError::into_inner));
            let written = match &output.file {
                Some(file) => files::write_whole(file, &bytes),
                None => printer.data(&bytes),
            };
            let Err(error) = written else { continue };
            complete = false;
            match &output.file {
                Some(place) => printer.error(&format!(
                    "error: the report for {place} could not be written: {error}\nhint: the previous content is \
                     unchanged"
                )),
                None if error.kind() == io::ErrorKind::BrokenPipe => {}
                None => printer.error(&CliError::write_failed(&error).text()),
            }
        }
        complete
    }
}

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let is_it = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    std::iter::successors(Some(error), |error| error.source())
        .any(|error| error.downcast_ref::<io::Error>().is_some_and(is_it))
}

/// One line on standard error that summarizes the report.
fn print_summary(end: &RunFinished, strict: bool, printer: Printer) {
    let all = end.outcomes.len();
    let count =
        |wanted: Verdict| end.outcomes.iter().filter(|outcome| Verdict::of([outcome.as_ref()]) == wanted).count();
    let denied = count(Verdict::Denied);
    match end.verdict {
        Verdict::Allowed => {}
        Verdict::Denied => {
            let prefix = if strict { "error" } else { "note" };
            printer.note(&format!("{prefix}: {denied} of {all} components failed; see the report for details"));
        }
        Verdict::Error => {
            let why = match end.stopped {
                Some(StopReason::Deadline) => ": the time limit passed",
                Some(StopReason::Interrupted) => ": interrupted",
                None => "; see the report for details",
            };
            let also = if denied == 0 { String::new() } else { format!(", {denied} failed") };
            printer.error(&format!(
                "error: {} of {all} components could not be evaluated{also}{why}",
                count(Verdict::Error)
            ));
        }
    }
}
