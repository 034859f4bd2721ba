//! [`Printer`]: the only place that prints. Standard output is data, standard error is for people.

use std::io::{self, IsTerminal as _, Write as _};

use assay_gocompat::sanitize;

use crate::{logs, stdout};

/// Prints, or holds its tongue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    quiet: bool,
    bare: bool,
}

impl Printer {
    pub(crate) const fn new(quiet: bool) -> Self {
        Self { quiet, bare: false }
    }

    /// The same without a progress bar, where one would be in the way of messages.
    pub(crate) const fn without_progress(self, bare: bool) -> Self {
        Self { bare, ..self }
    }

    /// Whether a progress bar has a place.
    pub(crate) fn shows_progress(self) -> bool {
        !self.quiet && !self.bare && io::stderr().is_terminal()
    }

    /// A report on standard output. One that is not written completely is an error, whatever the reason: an exit code
    /// of 0 would claim a report that nobody received.
    #[expect(clippy::unused_self, reason = "printing goes through a printer")]
    pub(crate) fn data(self, bytes: &[u8]) -> io::Result<()> {
        stdout::check()?;
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    /// Something that may be wrong: in the form of messages where these are read by programs, else as a note.
    #[track_caller]
    pub(crate) fn warn(self, text: &str) {
        if !logs::warn_apart(text) {
            self.note(&format!("warning: {text}"));
        }
    }

    /// Something worth knowing.
    pub(crate) fn note(self, text: &str) {
        if !self.quiet {
            self.error(text);
        }
    }

    /// Something a person must know, even a quiet one. What it quotes from outside neither commands a terminal nor a
    /// pipeline. If standard error is closed, the message is lost.
    #[expect(clippy::unused_self, reason = "printing goes through a printer")]
    pub(crate) fn error(self, text: &str) {
        let _closed = writeln!(io::stderr().lock(), "{}", sanitize::lines(text));
    }
}
