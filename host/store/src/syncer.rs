//! [`Syncer`]: waits for the disk, so that the thread that changes the file need not.
//!
//! SQLite would wait in each commit, and all other requests with it. Here a commit only hands its pages to the system, which
//! keeps them whatever becomes of this process; this thread then has the system write SQLite's log to the disk, and answers
//! who requested that. One wait covers every commit before it.

use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::JoinHandle,
};

use assay_model::port::StoreError;
use camino::{Utf8Path, Utf8PathBuf};
use fs_err::File;

use crate::error::from_io;

/// Transactions whose callers wait to be taken up; the writer waits when there are more.
const BACKLOG: usize = 64;

/// Reports to the caller what came of the commit.
pub(crate) type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// The thread, seen from the writer. Dropping it answers all who wait.
pub(crate) struct Syncer {
    sender: Option<SyncSender<Vec<Reply>>>,
    thread: Option<JoinHandle<()>>,
}

impl Syncer {
    /// Starts the thread. The file is open in SQLite's write-ahead mode, so its log is there as long as a connection is.
    ///
    /// # Errors
    /// The log cannot be opened, or the system gives no thread.
    pub(crate) fn start(path: &Utf8Path) -> Result<Self, StoreError> {
        let log = Utf8PathBuf::from(format!("{path}-wal"));
        let log = fs_err::OpenOptions::new().write(true).open(log).map_err(|error| from_io(&error))?;
        let (sender, receiver) = sync_channel(BACKLOG);
        let thread = std::thread::Builder::new()
            .name("assay-sync".to_owned())
            .spawn(move || sync_and_answer(&log, &receiver))
            .map_err(|error| StoreError::Failed(format!("the store cannot start a thread: {error}")))?;
        Ok(Self { sender: Some(sender), thread: Some(thread) })
    }

    /// Answers when all that is committed now is on the disk.
    pub(crate) fn sync(&self, replies: Vec<Reply>) {
        let Some(sender) = self.sender.as_ref().filter(|_| !replies.is_empty()) else { return };
        // Without the thread its callers learn that the store was closed, as their replies are dropped.
        let _gone = sender.send(replies);
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.sender.take();
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn sync_and_answer(log: &File, receiver: &Receiver<Vec<Reply>>) {
    let mut outcome = Ok(());
    while let Ok(mut replies) = receiver.recv() {
        replies.extend(receiver.try_iter().flatten());
        // After a failure the system forgets what it could not write, and the next call would succeed without it.
        if outcome.is_ok() {
            outcome = log.sync_data().map_err(|error| from_io(&error));
        }
        for reply in replies {
            reply(outcome.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn after_a_log_could_not_be_written_every_caller_gets_an_error() {
        // The system refuses to sync it.
        let log = File::options().write(true).open("/dev/null").unwrap();
        let (sender, receiver) = sync_channel(BACKLOG);
        let (answer, answers) = channel();
        let thread = std::thread::spawn(move || sync_and_answer(&log, &receiver));
        for _ in 0..3 {
            let answer = answer.clone();
            sender.send(vec![Box::new(move |outcome| answer.send(outcome).unwrap()) as Reply]).unwrap();
            assert!(matches!(answers.recv().unwrap(), Err(StoreError::Failed(_))));
        }
        drop(sender);
        thread.join().unwrap();
    }
}
