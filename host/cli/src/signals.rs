//! [`listen_for_signals`]: SIGINT and SIGTERM end the work of a command in its own way.

use std::{io, thread};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
    low_level,
};

use crate::error::CliError;

/// The first signal calls `first`, so that the command ends with an honest report; the second one ends the process at once.
pub(crate) fn listen_for_signals(first: impl Fn() + Send + 'static) -> Result<(), CliError> {
    let error = |error: io::Error| CliError::new(format!("signal handlers cannot be installed: {error}"));
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(error)?;
    let listen = move || {
        let mut again = false;
        for signal in signals.forever() {
            if again {
                // Only fails for signals that cannot end a process; these two do.
                let _ended = low_level::emulate_default_handler(signal);
            }
            again = true;
            first();
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(listen).map(drop).map_err(error)
}
