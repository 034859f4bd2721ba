//! [`Writer`]: the one thread that changes the file. It carries out what many callers request in one transaction, and answers
//! after the commit. What has to be on the disk first is answered by another thread, which waits for the disk, see
//! [`Syncer`]: meanwhile the next transaction is carried out.

use std::{
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use assay_model::port::StoreError;
use camino::Utf8PathBuf;
use rusqlite::Connection;

use crate::{
    checkpoint::Checkpointer,
    error::from_sqlite,
    observer::Observer,
    syncer::{Reply, Syncer},
};

/// Requests in one transaction at most: more would let the first one wait for too long.
const BATCH: usize = 256;

/// Requests that wait to be taken up; a caller that requests more waits itself.
const BACKLOG: usize = 1_024;

/// How long nobody requests anything before what waits for the disk is done in between.
const QUIET: Duration = Duration::from_millis(50);

/// Does the work, or learns why there is no transaction to do it in.
type Work = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Worked + Send>;

/// Whether a commit is on the disk when it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// It is.
    Durable,
    /// The machine may lose it with the commits after it that are lazy as well, if its power goes; the process may not. For
    /// what is done again all the same.
    Lazy,
}

/// What came of the work of one request.
struct Worked {
    /// Whether it is to be committed; what it changed is undone otherwise.
    is_done: bool,
    durability: Durability,
    reply: Reply,
}

/// Changes the file.
#[derive(Debug)]
pub(crate) struct Writer {
    sender: Mutex<Option<SyncSender<Work>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the threads. The second connection is for moving the log into the file.
    ///
    /// # Errors
    /// The system gives no thread, or SQLite's log cannot be opened.
    pub(crate) fn start(
        mut connection: Connection,
        second: Connection,
        path: Utf8PathBuf,
        observer: Observer,
    ) -> Result<Self, StoreError> {
        let (sender, receiver) = sync_channel(BACKLOG);
        let checkpointer = Checkpointer::start(&mut connection, second)?;
        let syncer = Syncer::start(&path)?;
        let thread = std::thread::Builder::new()
            .name("assay-store".to_owned())
            .spawn(move || Transactions { syncer, checkpointer, connection, path, observer }.run(&receiver))
            .map_err(|error| StoreError::Failed(format!("the store cannot start a thread: {error}")))?;
        Ok(Self { sender: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    /// Does work in a transaction with others, and waits for the commit, and for the disk if the work says so. If the work
    /// fails, its own changes are undone.
    ///
    /// # Errors
    /// The work or the commit failed.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<(T, Durability), StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = channel();
        let work: Work = Box::new(move |connection| {
            let (result, durability) = match connection.and_then(work) {
                Ok((value, durability)) => (Ok(value), durability),
                Err(error) => (Err(error), Durability::Lazy),
            };
            let is_done = result.is_ok();
            let reply: Reply = Box::new(move |commit| {
                // A caller that went away needs no result.
                let _gone = answer.send(commit.and(result));
            });
            Worked { is_done, durability, reply }
        });
        self.send(work)?;
        answered.recv().map_err(|_| closed())?
    }

    fn send(&self, work: Work) -> Result<(), StoreError> {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).clone();
        sender.ok_or_else(closed)?.send(work).map_err(|_| closed())
    }
}

/// The side of the thread.
struct Transactions {
    syncer: Syncer,
    checkpointer: Checkpointer,
    connection: Connection,
    path: Utf8PathBuf,
    observer: Observer,
}

/// Who learns what came of a transaction, by what they wait for.
#[derive(Default)]
struct Replies {
    durable: Vec<Reply>,
    lazy: Vec<Reply>,
}

impl Transactions {
    fn run(self, receiver: &Receiver<Work>) {
        while let Some(first) = self.next(receiver) {
            let mut batch = vec![first];
            while batch.len() < BATCH {
                match receiver.try_recv() {
                    Ok(work) => batch.push(work),
                    Err(_) => break,
                }
            }
            self.commit(batch);
            self.checkpointer.committed();
            if self.checkpointer.is_too_long() {
                self.checkpointer.finish(&self.connection);
            }
        }
        let Self { syncer, checkpointer, connection, .. } = self;
        drop(syncer);
        drop(checkpointer);
        // A file that is closed in order needs no recovery.
        let _busy = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// The next request. None when there will be no more.
    fn next(&self, receiver: &Receiver<Work>) -> Option<Work> {
        if self.checkpointer.is_nearly_done() {
            match receiver.recv_timeout(QUIET) {
                Ok(work) => return Some(work),
                Err(RecvTimeoutError::Timeout) => self.checkpointer.finish(&self.connection),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        receiver.recv().ok()
    }

    fn commit(&self, batch: Vec<Work>) {
        let mut replies = Replies::default();
        let mut outcome = self.connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| self.error(&error));
        let mut rest = batch.into_iter();
        if outcome.is_ok() {
            for work in rest.by_ref() {
                outcome = self.work(work, &mut replies);
                if outcome.is_err() {
                    break;
                }
            }
        }
        if outcome.is_ok() {
            (self.observer)("before-commit");
            outcome = self.connection.execute_batch("COMMIT").map_err(|error| self.error(&error));
            (self.observer)("after-commit");
        }
        if outcome.is_err() && !self.connection.is_autocommit() {
            let _gone = self.connection.execute_batch("ROLLBACK");
        }
        self.answer(replies, &outcome);
        // What was not begun is carried out by itself.
        for work in rest {
            let mut single = Replies::default();
            let outcome = self.alone(work, &mut single);
            self.answer(single, &outcome);
        }
    }

    /// Who waits for the disk is answered by the thread that does.
    fn answer(&self, replies: Replies, outcome: &Result<(), StoreError>) {
        let Replies { durable, lazy } = replies;
        let now = match outcome {
            Ok(()) => {
                self.syncer.sync(durable);
                lazy
            }
            Err(_) => lazy.into_iter().chain(durable).collect(),
        };
        for reply in now {
            reply(outcome.clone());
        }
    }

    fn alone(&self, work: Work, replies: &mut Replies) -> Result<(), StoreError> {
        let failed = |error: rusqlite::Error| self.error(&error);
        if let Err(error) = self.connection.execute_batch("BEGIN IMMEDIATE") {
            let error = failed(error);
            replies.lazy.push(work(Err(error.clone())).reply);
            return Err(error);
        }
        let done = self.work(work, replies);
        let done = done.and_then(|()| self.connection.execute_batch("COMMIT").map_err(failed));
        if done.is_err() && !self.connection.is_autocommit() {
            let _gone = self.connection.execute_batch("ROLLBACK");
        }
        done
    }

    /// Does the work of one request; what it changed is undone if it fails. An error is one of the whole transaction: a full
    /// disk may end it.
    fn work(&self, work: Work, replies: &mut Replies) -> Result<(), StoreError> {
        let failed = |error: rusqlite::Error| self.error(&error);
        self.connection.execute_batch("SAVEPOINT one").map_err(failed)?;
        let Worked { is_done, durability, reply } = work(Ok(&self.connection));
        match durability {
            Durability::Durable => replies.durable.push(reply),
            Durability::Lazy => replies.lazy.push(reply),
        }
        if self.connection.is_autocommit() {
            return Err(StoreError::Unwritable(format!(
                "the store `{}` could not be written; make room on its disk and run the command again",
                self.path
            )));
        }
        if !is_done {
            self.connection.execute_batch("ROLLBACK TO one").map_err(failed)?;
        }
        self.connection.execute_batch("RELEASE one").map_err(failed)
    }

    fn error(&self, error: &rusqlite::Error) -> StoreError {
        from_sqlite(error, &self.path)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _panicked = thread.join();
        }
    }
}

fn closed() -> StoreError {
    StoreError::Failed("the store was closed".to_owned())
}
