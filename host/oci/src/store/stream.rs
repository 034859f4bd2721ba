//! [`Stream`]: a blob on its way from a registry.

use std::io::{self, Read};

use assay_model::error::EvaluationError;
use tokio::sync::mpsc::Receiver;

/// A blob on its way, read on a plain thread. A failure shows as an error of reading, and its cause is kept.
pub(super) struct Stream {
    chunks: Receiver<Result<Vec<u8>, EvaluationError>>,
    current: Vec<u8>,
    at: usize,
    failure: Option<EvaluationError>,
}

impl Stream {
    /// What comes through this channel.
    pub(super) const fn of(chunks: Receiver<Result<Vec<u8>, EvaluationError>>) -> Self {
        Self { chunks, current: Vec::new(), at: 0, failure: None }
    }

    /// What broke it.
    pub(super) const fn failure(&mut self) -> Option<EvaluationError> {
        self.failure.take()
    }
}

impl Read for Stream {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.at == self.current.len() {
            match self.chunks.blocking_recv() {
                None => return Ok(0),
                Some(Ok(chunk)) => (self.current, self.at) = (chunk, 0),
                Some(Err(failure)) => {
                    let error = io::Error::other(failure.to_string());
                    self.failure = Some(failure);
                    return Err(error);
                }
            }
        }
        let mut rest = self.current.get(self.at..).unwrap_or_default();
        let read = rest.read(to)?;
        self.at += read;
        Ok(read)
    }
}
