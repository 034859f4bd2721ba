//! Logs of attempts: one file each, to which every part is written at once, so that what was said before the process is
//! killed is there. Their offsets count over all attempts of a task.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

use assay_model::{
    digest::Digest,
    port::{LogPart, StoreError},
    run::{JobKey, RunId},
};
use camino::Utf8PathBuf;

use crate::{error::from_io, store::Store};

/// The longest log of one attempt: a plugin that floods ends here.
const LOG_BYTES: u64 = 1 << 30;

/// What is read of a log at once at most.
const PART_BYTES: usize = 1 << 20;

impl Store {
    pub(crate) fn log_folder(&self, run: &RunId) -> Utf8PathBuf {
        self.folder.join("logs").join(run.as_str())
    }

    pub(crate) fn write_log(&self, run: &RunId, key: &JobKey, attempt: u32, bytes: &[u8]) -> Result<(), StoreError> {
        let folder = self.log_folder(run);
        let path = folder.join(format!("{}.{attempt}", key.0.hex()));
        let open = || fs_err::OpenOptions::new().create(true).append(true).open(&path);
        let mut file = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs_err::create_dir_all(&folder).map_err(|error| from_io(&error))?;
                open()
            }
            opened => opened,
        }
        .map_err(|error| from_io(&error))?;
        let size = file.metadata().map_err(|error| from_io(&error))?.len();
        if size.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX)) > LOG_BYTES {
            return Err(StoreError::Invalid(format!("the log `{path}` reached its limit of {LOG_BYTES} bytes")));
        }
        (self.observer)("before-log-write");
        file.write_all(bytes).map_err(|error| from_io(&error))?;
        (self.observer)("after-log-write");
        Ok(())
    }

    pub(crate) fn read_log_files(
        &self,
        run: &RunId,
        key: &[u8; 32],
        offset: u64,
        limit: usize,
        has_ended: bool,
    ) -> Result<LogPart, StoreError> {
        let folder = self.log_folder(run);
        let name = Digest::from_sha256(*key).hex();
        let attempts: i64 = self.read(|connection| {
            connection
                .prepare_cached("SELECT coalesce(max(number), 0) FROM attempt WHERE key = ?1")?
                .query_row([key], |row| row.get(0))
        })?;
        let (mut skip, mut left) = (offset, limit.min(PART_BYTES));
        let mut part = LogPart { bytes: Vec::new(), next: offset, is_complete: false };
        for attempt in 1..=attempts {
            let path = folder.join(format!("{name}.{attempt}"));
            let mut file = match fs_err::File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(from_io(&error)),
            };
            let size = file.metadata().map_err(|error| from_io(&error))?.len();
            if skip >= size {
                skip -= size;
                continue;
            }
            file.seek(SeekFrom::Start(skip)).map_err(|error| from_io(&error))?;
            let wanted = u64::try_from(left).unwrap_or(u64::MAX).min(size - skip);
            let read = file.take(wanted).read_to_end(&mut part.bytes).map_err(|error| from_io(&error))?;
            part.next += u64::try_from(read).unwrap_or_default();
            left = left.saturating_sub(read);
            if left == 0 {
                return Ok(part);
            }
            skip = 0;
        }
        part.is_complete = has_ended;
        Ok(part)
    }
}
