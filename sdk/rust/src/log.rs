//! The log: what people watch.

use crate::host::logging::{self, Level};

/// For authors.
pub fn debug(message: impl AsRef<str>) {
    logging::log(Level::Debug, message.as_ref());
}

/// What happens.
pub fn info(message: impl AsRef<str>) {
    logging::log(Level::Info, message.as_ref());
}

/// What may be wrong.
pub fn warn(message: impl AsRef<str>) {
    logging::log(Level::Warn, message.as_ref());
}
