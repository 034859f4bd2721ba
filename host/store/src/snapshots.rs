//! [`SnapshotRecord`] on the file.

use assay_model::{
    digest::Digest,
    port::{Moved, Pointer, PointerKey, PointerKind, PointerMove, SnapshotRecord, StoreError, StoredSnapshot},
};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{coding, store::Store};

impl SnapshotRecord for Store {
    fn pointers(&self, group: &str, kind: PointerKind) -> Result<Vec<Pointer>, StoreError> {
        let rows = self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT component, version, image, source, build_start, fence FROM pointer WHERE owner = ?1 AND kind = ?2
                 ORDER BY component, version",
            )?;
            let rows = statement.query_map([group, kind.as_str()], |row| {
                let key =
                    PointerKey { group: group.to_owned(), component: row.get(0)?, version: row.get(1)? };
                let source = coding::optional_json(row, 3)?.unwrap_or_default();
                Ok(Pointer { key, kind, image: row.get(2)?, source, build_start: row.get(4)?, fence: row.get(5)? })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        Ok(rows)
    }

    fn move_pointers(&self, moves: Vec<PointerMove>) -> Result<Vec<Moved>, StoreError> {
        self.write_sql(move |connection| moves.iter().map(|wish| move_pointer(connection, wish)).collect())
    }

    fn save_snapshot(&self, group: &str, name: &str, document: &str) -> Result<bool, StoreError> {
        let id = *Digest::of(document.as_bytes()).as_bytes();
        let (group, name, document) = (group.to_owned(), name.to_owned(), document.as_bytes().to_vec());
        let now = self.clock.now().as_millisecond();
        self.write_sql(move |connection| {
            let inserted = connection
                .prepare_cached(
                    "INSERT INTO snapshot (id, owner, name, created, doc) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
                )?
                .execute(params![id, group, name, now, document])?;
            Ok(inserted > 0)
        })
    }

    fn snapshot(&self, id: &Digest) -> Result<StoredSnapshot, StoreError> {
        let found = self.read(|connection| {
            connection
                .prepare_cached("SELECT owner, name, created, pinned, CAST(doc AS TEXT) FROM snapshot WHERE id = ?1")?
                .query_row([id.as_bytes()], |row| {
                    Ok(StoredSnapshot {
                        id: id.clone(),
                        group: row.get(0)?,
                        name: row.get(1)?,
                        created: coding::time(row, 2)?,
                        is_pinned: row.get(3)?,
                        document: row.get(4)?,
                    })
                })
                .optional()
        })?;
        let found = found.ok_or_else(|| StoreError::NotFound(format!("the store has no Snapshot {id}")))?;
        id.check(found.document.as_bytes())
            .map_err(|error| StoreError::Damaged(format!("the Snapshot {id} in the store was changed: {error}")))?;
        Ok(found)
    }

    fn pin_snapshot(&self, id: &Digest, pin: bool) -> Result<(), StoreError> {
        let hash = *id.as_bytes();
        let changed = self.write_sql(move |connection| {
            connection.execute("UPDATE snapshot SET pinned = ?1 WHERE id = ?2", params![pin, hash])
        })?;
        if changed == 0 {
            return Err(StoreError::NotFound(format!("the store has no Snapshot {id}")));
        }
        Ok(())
    }
}

/// The build that started last holds the pointer; of two that started together, the one with the greater image, so that
/// the order of calls does not matter. An override counts by its own start.
fn move_pointer(connection: &Connection, wish: &PointerMove) -> rusqlite::Result<Moved> {
    let PointerKey { group, component, version } = &wish.key;
    let kind = wish.kind.as_str();
    let fence = wish.override_start.unwrap_or(wish.build_start);
    let held: Option<(i64, String)> = connection
        .prepare_cached(
            "SELECT fence, image FROM pointer WHERE owner = ?1 AND kind = ?2 AND component = ?3 AND version = ?4",
        )?
        .query_row(params![group, kind, component, version], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((held, image)) = held {
        if (held, image.as_str()) == (fence, wish.image.as_str()) {
            return Ok(Moved::Unchanged);
        }
        if (held, image.as_str()) > (fence, wish.image.as_str()) {
            return Ok(Moved::Stale { fence: held });
        }
    }
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO pointer (owner, component, version, kind, image, source, build_start, fence)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            group,
            component,
            version,
            kind,
            wish.image,
            wish.source.to_string(),
            wish.build_start,
            fence
        ])?;
    Ok(Moved::Moved)
}
