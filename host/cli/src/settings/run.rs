//! How long a run may take, and how much of it happens at a time.

use std::{num::NonZeroUsize, str::FromStr as _, thread, time::Duration};

use assay_app::Mode;
use jiff::SignedDuration;

use super::non_empty;
use crate::{error::CliError, flags::go};

/// The number of components to evaluate concurrently: as given, or one for each core. As `ec`, 0 means 1, as there.
pub(super) fn parse_workers(flag: Option<&str>, mode: Mode) -> Result<NonZeroUsize, CliError> {
    let Some(text) = non_empty(flag) else {
        return Ok(thread::available_parallelism().unwrap_or(NonZeroUsize::MIN));
    };
    let count = go::integer(text).and_then(|count| u16::try_from(count).ok());
    count.and_then(|count| NonZeroUsize::new(mode.workers(count).into())).ok_or_else(|| {
        CliError::new(format!("`--workers {text}` is not a valid number of workers"))
            .hint("use a number from 1 to 65535")
    })
}

/// How long a command may take: none for as long as it likes.
pub(crate) fn parse_timeout(text: &str) -> Result<Option<Duration>, CliError> {
    if text == "0" {
        return Ok(None);
    }
    let error = || {
        CliError::new(format!("`--timeout {text}` is not a duration"))
            .hint("use a duration such as 90s, 5m or 1h30m (0: none)")
    };
    let duration = SignedDuration::from_str(text).map_err(|_| error())?;
    let duration = Duration::try_from(duration).map_err(|_| error())?;
    // A century is effectively forever, and still fits every clock.
    Ok((!duration.is_zero()).then(|| duration.min(Duration::from_secs(100 * 365 * 24 * 3600))))
}
