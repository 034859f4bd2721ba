//! [`Printer`]: the only place that prints. Standard output is data, standard error is for people.

use std::io::{self, IsTerminal as _, Write as _};

use assay_model::plain;

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

    /// A report on standard output. A reader that went away has read what it wanted.
    pub(crate) fn data(self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    /// Something worth knowing.
    pub(crate) fn note(self, text: &str) {
        if !self.quiet {
            self.error(text);
        }
    }

    /// Something a person must know, even a quiet one. What it quotes from outside neither commands a terminal nor a
    /// pipeline. Standard error that is closed leaves no one to tell.
    #[expect(clippy::unused_self, reason = "printing goes through a printer")]
    pub(crate) fn error(self, text: &str) {
        let _closed = writeln!(io::stderr().lock(), "{}", plain::lines(text));
    }
}
