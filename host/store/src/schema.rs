//! The tables, and connections to them.

use std::time::Duration;

use assay_model::port::StoreError;
use camino::Utf8Path;
use rusqlite::{Connection, OpenFlags, limits::Limit};

use crate::error::from_sqlite;

/// The version of the tables, `user_version` in the file. A newer one is refused; there is no older one yet.
pub(crate) const VERSION: i64 = 1;

/// `assa`, which distinguishes our files from other programs'.
const APPLICATION_ID: i64 = 0x6173_7361;

/// The largest value in a row: a plan with a Snapshot's parameter in it. A file could declare gigabytes.
pub(crate) const VALUE_BYTES: i32 = 256 << 20;

/// How long a connection waits for another process, which only holds the file for the length of a transaction.
const BUSY: Duration = Duration::from_secs(10);

/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 96;

/// Pages that a connection keeps, in KiB. The system keeps the file's pages as well, so that more would only be memory that
/// grows with the record.
const CACHE_KIB: i64 = 2_000;

/// The conditions of partial indexes are written as the queries write them, else SQLite does not use them.
const TABLES: &str = "
CREATE TABLE run (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL, snapshot TEXT NOT NULL,
  supersedes TEXT, state TEXT NOT NULL, since INTEGER NOT NULL, verdict TEXT, started INTEGER NOT NULL, ended INTEGER,
  cause TEXT, next TEXT, pinned INTEGER NOT NULL DEFAULT 0, cancel TEXT, events INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX run_ended ON run (ended) WHERE ended IS NOT NULL AND pinned = 0;
CREATE INDEX run_open ON run (supersedes) WHERE ended IS NULL;
CREATE INDEX run_cancel ON run (seq) WHERE cancel IS NOT NULL AND ended IS NULL;
CREATE TABLE plan (run INTEGER PRIMARY KEY, outline BLOB NOT NULL) STRICT;
CREATE TABLE scenario (run INTEGER NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL, since INTEGER NOT NULL, ended INTEGER,
  cause TEXT, next TEXT, PRIMARY KEY (run, name)) STRICT, WITHOUT ROWID;
CREATE TABLE task (run INTEGER NOT NULL, scenario TEXT NOT NULL, name TEXT NOT NULL, key BLOB, plugin TEXT, digest BLOB,
  state TEXT, since INTEGER, cause TEXT, next TEXT, PRIMARY KEY (run, scenario, name)) STRICT, WITHOUT ROWID;
CREATE TABLE job (key BLOB PRIMARY KEY, run INTEGER NOT NULL, class INTEGER NOT NULL, seq INTEGER NOT NULL,
  state INTEGER NOT NULL, due INTEGER, due_wall INTEGER, lease_until INTEGER, delivery INTEGER NOT NULL DEFAULT 0,
  attempt INTEGER NOT NULL DEFAULT 0, continued INTEGER NOT NULL DEFAULT 0, unsettled INTEGER NOT NULL DEFAULT 0,
  since INTEGER NOT NULL, waiting BLOB, doc BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX job_ready ON job (class DESC, seq) WHERE state = 0;
CREATE INDEX job_due ON job (due) WHERE state = 1;
CREATE INDEX job_leased ON job (lease_until) WHERE state = 2;
CREATE INDEX job_run ON job (run);
CREATE TABLE attempt (key BLOB NOT NULL, number INTEGER NOT NULL, started INTEGER NOT NULL, ended INTEGER, class TEXT,
  PRIMARY KEY (key, number)) STRICT, WITHOUT ROWID;
CREATE TABLE note (key BLOB NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (key, name)) STRICT, WITHOUT ROWID;
CREATE TABLE result (key BLOB PRIMARY KEY, run INTEGER NOT NULL, scenario TEXT NOT NULL, task TEXT NOT NULL,
  answer BLOB NOT NULL, doc BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX result_run ON result (run);
CREATE TABLE other_result (key BLOB NOT NULL, answer BLOB NOT NULL, doc BLOB NOT NULL, PRIMARY KEY (key, answer)) STRICT, WITHOUT ROWID;
CREATE TABLE event (run INTEGER NOT NULL, number INTEGER NOT NULL, doc BLOB NOT NULL, PRIMARY KEY (run, number)) STRICT, WITHOUT ROWID;
CREATE TABLE blob (digest BLOB PRIMARY KEY, size INTEGER NOT NULL, added INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE blob_use (digest BLOB NOT NULL, run INTEGER NOT NULL, PRIMARY KEY (digest, run)) STRICT, WITHOUT ROWID;
CREATE INDEX blob_use_run ON blob_use (run);
CREATE TABLE pointer (owner TEXT NOT NULL, component TEXT NOT NULL, version TEXT NOT NULL, kind TEXT NOT NULL, image TEXT NOT NULL,
  source TEXT NOT NULL, build_start INTEGER NOT NULL, fence INTEGER NOT NULL, PRIMARY KEY (owner, kind, component, version)) STRICT, WITHOUT ROWID;
CREATE TABLE snapshot (seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, owner TEXT NOT NULL, name TEXT NOT NULL,
  created INTEGER NOT NULL, pinned INTEGER NOT NULL DEFAULT 0, doc BLOB NOT NULL) STRICT;
CREATE INDEX snapshot_created ON snapshot (created) WHERE pinned = 0;
";

/// Opens the file for reading and writing, and makes the tables if there are none.
///
/// # Errors
/// It cannot be opened or is not of this version.
pub(crate) fn open(path: &Utf8Path, create: bool) -> Result<Connection, StoreError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, create);
    let failed = |error: rusqlite::Error| from_sqlite(&error, path);
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    configure(&connection).map_err(failed)?;
    if version(&connection).map_err(failed)? == (0, 0) && is_empty(&connection).map_err(failed)? {
        // Two processes may get here; the second one sees the tables of the first.
        let transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(failed)?;
        if is_empty(&transaction).map_err(failed)? {
            transaction.execute_batch(TABLES).map_err(failed)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
            transaction.pragma_update(None, "user_version", VERSION).map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
    }
    check(&connection, path)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    // A commit hands its pages to the system, and the writer's `Syncer` waits for the disk. SQLite still does so itself where the
    // order of what is written matters: before the log is moved into the file, and before it is begun anew.
    connection.pragma_update(None, "synchronous", "NORMAL").map_err(failed)?;
    connection.pragma_update(None, "journal_size_limit", 16 << 20).map_err(failed)?;
    // Commits would do it in between; see `checkpoint`.
    connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(failed)?;
    Ok(connection)
}

/// Opens the file for reading alone. On a file system that nobody can write it is read as it lies there.
///
/// # Errors
/// It cannot be opened or is not of this version.
pub(crate) fn open_readonly(path: &Utf8Path) -> Result<Connection, StoreError> {
    let failed = |error: rusqlite::Error| from_sqlite(&error, path);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let plain = Connection::open_with_flags(path, flags).and_then(|connection| {
        configure(&connection)?;
        version(&connection)?;
        Ok(connection)
    });
    let connection = match plain {
        Ok(connection) => connection,
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen) && path.is_file() => {
            let escaped: String = path.as_str().bytes().map(escape).collect();
            let uri = format!("file:{escaped}?immutable=1");
            let connection = Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI).map_err(failed)?;
            configure(&connection).map_err(failed)?;
            connection
        }
        Err(error) => return Err(failed(error)),
    };
    check(&connection, path)?;
    Ok(connection)
}

/// A byte of a path in a URI.
fn escape(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES)?;
    // The file may come from anyone: its schema calls no function, and damaged pages are errors.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

fn version(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get(0));
    Ok((number("application_id")?, number("user_version")?))
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

/// Refuses a file of another program, of a newer version, or with anything in it that this version did not make.
fn check(connection: &Connection, path: &Utf8Path) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| from_sqlite(&error, path);
    let (application, version) = version(connection).map_err(failed)?;
    if application != APPLICATION_ID {
        return Err(StoreError::Damaged(format!("`{path}` is not a store of assay; name another folder with --store")));
    }
    if version > VERSION {
        return Err(StoreError::NewerVersion(format!(
            "the store `{path}` has version {version}, and this program reads version {VERSION}; use the newer program, or name another folder with --store"
        )));
    }
    let expected = Connection::open_in_memory().and_then(|fresh| {
        fresh.execute_batch(TABLES)?;
        objects(&fresh)
    });
    if objects(connection).map_err(failed)? != expected.map_err(failed)? {
        return Err(StoreError::Damaged(format!(
            "the store `{path}` has other tables than version {VERSION}; move it away and begin a new one"
        )));
    }
    Ok(())
}

fn objects(connection: &Connection) -> rusqlite::Result<Vec<(String, String, Option<String>)>> {
    let mut statement = connection.prepare(
        "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name LIMIT 200",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    rows.collect()
}
