//! [`Store`]: the folder, opened.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use assay_model::port::{Clock, StoreError, Wakeup};
use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::Connection;

use crate::{
    clock::SystemClock,
    error::{from_io, from_sqlite},
    lock::CoordinatorLock,
    observer::Observer,
    schema,
    writer::{Durability, Writer},
};

/// The file in the folder.
const FILE: &str = "assay.db";

/// What a process may do with the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreMode {
    /// Runs jobs. One process at a time; makes the folder if there is none.
    Coordinator,
    /// Changes single things, such as a wish to cancel, beside a coordinator.
    Client,
    /// Reads.
    ReadOnly,
}

/// How a store is opened.
#[derive(Clone)]
pub struct StoreOptions {
    /// What for.
    pub mode: StoreMode,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Is called at each point that is passed.
    pub observer: Observer,
}

impl StoreOptions {
    /// With the machine's time.
    #[must_use]
    pub fn new(mode: StoreMode) -> Self {
        Self { mode, clock: Arc::new(SystemClock::new()), observer: Arc::new(|_| {}) }
    }
}

/// The record of runs in a folder. Dropping it ends its thread and closes the file.
pub struct Store {
    pub(crate) folder: Utf8PathBuf,
    pub(crate) path: Utf8PathBuf,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Observer,
    pub(crate) wakeup: Wakeup,
    pub(crate) numbers: Arc<AtomicI64>,
    reader: Mutex<Connection>,
    writer: Option<Writer>,
    /// Given up after the writer has ended.
    _lock: Option<CoordinatorLock>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Store").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens a folder. Jobs that a coordinator before had in its hands can be taken again.
    ///
    /// # Errors
    /// It is in use, of a newer version, damaged, or cannot be read or written.
    pub fn open(folder: &Utf8Path, options: StoreOptions) -> Result<Self, StoreError> {
        let path = folder.join(FILE);
        let StoreOptions { mode, clock, observer } = options;
        if mode == StoreMode::Coordinator {
            fs_err::create_dir_all(folder).map_err(|error| from_io(&error))?;
        } else if !path.is_file() {
            return Err(StoreError::NotFound(format!(
                "there is no store in `{folder}`; name the folder of a run with --store"
            )));
        }
        let lock = (mode == StoreMode::Coordinator).then(|| CoordinatorLock::take(folder)).transpose()?;
        let writer = match mode {
            StoreMode::ReadOnly => None,
            StoreMode::Coordinator | StoreMode::Client => {
                let connection = schema::open(&path, mode == StoreMode::Coordinator)?;
                if mode == StoreMode::Coordinator {
                    reclaim(&connection, clock.as_ref()).map_err(|error| from_sqlite(&error, &path))?;
                }
                let second = schema::open(&path, false)?;
                Some(Writer::start(connection, second, path.clone(), Arc::clone(&observer))?)
            }
        };
        let reader = schema::open_readonly(&path)?;
        let last: i64 = reader
            .query_row("SELECT coalesce(max(seq), 0) FROM job", [], |row| row.get(0))
            .map_err(|error| from_sqlite(&error, &path))?;
        Ok(Self {
            folder: folder.to_owned(),
            path,
            clock,
            observer,
            wakeup: Wakeup::default(),
            numbers: Arc::new(AtomicI64::new(last + 1)),
            reader: Mutex::new(reader),
            writer,
            _lock: lock,
        })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    /// Changes the file, in one transaction with others. It is on the disk when this returns.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_as(move |connection| Ok((work(connection)?, Durability::Durable)))
    }

    /// The same for what is done again if the machine loses it.
    pub(crate) fn write_lazily<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_as(move |connection| Ok((work(connection)?, Durability::Lazy)))
    }

    /// The same for work that says itself what it is.
    pub(crate) fn write_as<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<(T, Durability), StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let Some(writer) = &self.writer else {
            return Err(StoreError::Invalid(format!("the store `{}` is open for reading alone", self.path)));
        };
        writer.run(work)
    }

    /// [`Self::write`] for work whose only errors are those of SQLite.
    pub(crate) fn write_sql<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let path = self.path.clone();
        self.write(move |connection| work(connection).map_err(|error| from_sqlite(&error, &path)))
    }

    /// [`Self::write_lazily`] for work whose only errors are those of SQLite.
    pub(crate) fn write_sql_lazily<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let path = self.path.clone();
        self.write_lazily(move |connection| work(connection).map_err(|error| from_sqlite(&error, &path)))
    }

    /// Reads the file as it is after the last commit.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let reader = self.lock_reader();
        work(&reader).map_err(|error| from_sqlite(&error, &self.path))
    }

    pub(crate) fn lock_reader(&self) -> MutexGuard<'_, Connection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next number, for the order of jobs and the names of deliveries.
    pub(crate) fn number(numbers: &AtomicI64) -> i64 {
        numbers.fetch_add(1, Ordering::Relaxed)
    }
}

/// The longest time that a waiting job waits after a restart, whatever the wall clock says.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// Puts the jobs of a coordinator before back: its leases are void, and its durations mean nothing on this clock.
fn reclaim(connection: &Connection, clock: &dyn Clock) -> rusqlite::Result<()> {
    let now = clock.now().as_millisecond();
    let elapsed = i64::try_from(clock.elapsed().as_millis()).unwrap_or(i64::MAX);
    let longest = i64::try_from(LONGEST_WAIT.as_millis()).unwrap_or(i64::MAX);
    connection.execute("UPDATE job SET state = 0, lease_until = NULL WHERE state = 2", [])?;
    connection.execute(
        "UPDATE job SET due = ?1 + min(max(coalesce(due_wall, ?2) - ?2, 0), ?3) WHERE state = 1",
        (elapsed, now, longest),
    )?;
    Ok(())
}
