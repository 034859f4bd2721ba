//! `assay track bundle`: keeps the list of trusted Tekton tasks that policies read as `data.trusted_tasks`.

use assay_app::{TrackRequest, TrackedTasks, track};
use assay_model::image::ImageRef;
use camino::Utf8Path;

use super::fetch_policy::print_stdout;
use crate::{
    error::CliError,
    exit,
    files::{check_place, write_whole},
    flags::{go, track::TrackFlags},
    printer::Printer,
    settings::{Environment, source_settings},
};

/// Adds versions, and writes the record.
pub(crate) fn run(flags: &TrackFlags, env: &Environment, printer: Printer) -> Result<u8, CliError> {
    let input = flags.tracked.input.as_deref().filter(|input| !input.is_empty());
    let places = [flags.output.as_str(), input.filter(|_| flags.replace).unwrap_or_default()];
    let places: Vec<Destination<'_>> =
        places.into_iter().filter(|place| !place.is_empty()).map(Destination::of).collect::<Result<_, _>>()?;
    let list =
        |values: &[String], flag: &str| go::slice(values).map_err(|error| CliError::new(format!("`{flag}`: {error}")));
    let mut references = list(&flags.tracked.bundle, "--bundle")?;
    references.extend(list(&flags.tracked.git, "--git")?);
    let tracked = track(&TrackRequest {
        input: input.map(str::to_owned),
        references,
        freshen: flags.freshen,
        prune: flags.prune,
        in_effect_days: flags.in_effect_days,
        now: env.now,
        sources: source_settings(&flags.sources, env)?,
    })?;
    if flags.output.is_empty() {
        print_stdout(printer, &tracked.text)?;
    }
    for place in &places {
        place.write(&tracked)?;
    }
    Ok(exit::SUCCESS)
}

/// Where a record is written.
enum Destination<'a> {
    File(&'a Utf8Path),
    Image(ImageRef),
}

impl<'a> Destination<'a> {
    /// Looks before any work whether it can be there.
    fn of(place: &'a str) -> Result<Self, CliError> {
        if let Some(image) = place.strip_prefix("oci:") {
            return image.parse().map(Self::Image).map_err(|error| CliError::from_error(&error));
        }
        let file = Utf8Path::new(place);
        check_place(file)?;
        Ok(Self::File(file))
    }

    fn write(&self, tracked: &TrackedTasks) -> Result<(), CliError> {
        match self {
            Self::File(file) => write_whole(file, tracked.text.as_bytes())
                .map_err(|error| CliError::new(format!("`{file}` cannot be written: {error}"))),
            Self::Image(image) => Ok(tracked.push(image)?),
        }
    }
}
