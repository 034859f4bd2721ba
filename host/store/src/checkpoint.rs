//! [`Checkpointer`]: moves what was committed from SQLite's log into the file, on a thread and a connection of its own.
//!
//! SQLite would do that in the commit that makes the log long enough, which would wait for the disk several times while all
//! other writers wait for it. Here the thread moves most of it beside them. What they committed meanwhile is little, which the
//! writer moves itself, since nobody else writes then: only a log that was moved as a whole is begun anew. It waits for the
//! disk as well, so the writer does it when nobody has requested anything for a while ([`Checkpointer::is_nearly_done`]), or when the
//! log has become very long ([`Checkpointer::is_too_long`]).

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI32, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

use assay_model::port::StoreError;
use rusqlite::Connection;

/// Pages of the log after which it is moved: 4 MB.
const PAGES: i32 = 1_024;

/// Pages of the log that the writer moves itself, whatever it is requested to do: 64 MB.
const MOST_PAGES: i32 = 16_384;

/// The thread, seen from the writer.
pub(crate) struct Checkpointer {
    sender: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Pages in the log.
    pages: Arc<AtomicI32>,
    /// Pages in the log when the thread was last woken.
    woken: Cell<i32>,
    is_moved: Arc<AtomicBool>,
}

impl Checkpointer {
    /// Starts the thread, and has the writer's connection count the pages of the log.
    ///
    /// # Errors
    /// The system gives no thread, or SQLite refuses.
    pub(crate) fn start(writer: &mut Connection, own: Connection) -> Result<Self, StoreError> {
        let pages = Arc::new(AtomicI32::new(0));
        let counted = Arc::clone(&pages);
        writer
            .wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
                counted.store(pages, Ordering::Relaxed);
                Ok(())
            }))
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        let is_moved = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = sync_channel(1);
        let moved = Arc::clone(&is_moved);
        let thread = std::thread::Builder::new()
            .name("assay-checkpoint".to_owned())
            .spawn(move || move_when_woken(&own, &receiver, &moved))
            .map_err(|error| StoreError::Failed(format!("the store cannot start a thread: {error}")))?;
        Ok(Self { sender: Some(sender), thread: Some(thread), pages, woken: Cell::new(0), is_moved })
    }

    /// After a commit: wakes the thread if the log has grown enough.
    pub(crate) fn committed(&self) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.woken.get() {
            // It was begun anew.
            self.woken.set(0);
        }
        if pages >= self.woken.get().saturating_add(PAGES)
            && let Some(sender) = &self.sender
            && sender.try_send(()).is_ok()
        {
            self.woken.set(pages);
        }
    }

    /// Whether the thread has moved what was there, so that the rest is little.
    pub(crate) fn is_nearly_done(&self) -> bool {
        self.is_moved.load(Ordering::Relaxed)
    }

    /// Whether the log is so long that there is no waiting for a better time.
    pub(crate) fn is_too_long(&self) -> bool {
        self.pages.load(Ordering::Relaxed) >= MOST_PAGES
    }

    /// Moves the rest. The next commit begins the log anew, if no reader needs it.
    pub(crate) fn finish(&self, writer: &Connection) {
        checkpoint(writer);
        self.is_moved.store(false, Ordering::Relaxed);
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.sender.take();
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn move_when_woken(connection: &Connection, receiver: &Receiver<()>, is_moved: &AtomicBool) {
    while receiver.recv().is_ok() {
        checkpoint(connection);
        is_moved.store(true, Ordering::Relaxed);
    }
}

/// Moves what no reader needs any more. If that fails, the log stays as long as it is, and the next one moves it.
fn checkpoint(connection: &Connection) {
    let _later = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
}
