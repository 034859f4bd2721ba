//! How long a run may take.

use std::{str::FromStr as _, time::Duration};

use jiff::SignedDuration;

use crate::error::Unusable;

pub(super) fn timeout(text: &str) -> Result<Option<Duration>, Unusable> {
    if text == "0" {
        return Ok(None);
    }
    let error = || {
        Unusable::new(format!("`--timeout {text}` is not a duration"))
            .hint("write it like 90s, 5m or 1h30m; 0 for none")
    };
    let duration = SignedDuration::from_str(text).map_err(|_| error())?;
    let duration = Duration::try_from(duration).map_err(|_| error())?;
    // A century is for ever, and still fits every clock.
    Ok((!duration.is_zero()).then(|| duration.min(Duration::from_secs(100 * 365 * 24 * 3600))))
}
