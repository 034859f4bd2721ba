//! [`StoredVsas`]: the VSAs in files and folders, opened.

use assay_evidence::{PublicKey, open_statement};
use assay_model::{
    bounded::{ReadError, read_bounded},
    digest::Digest,
    vsa::{VSA_PREDICATE_TYPE, Vsa},
};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    error::{RequestError, RequestErrorKind},
    read::read_bytes,
};

/// A file with VSAs. One has some kilobytes, and the rule data of its policy.
pub(super) const FILE_BYTES: u64 = 4 << 20;
/// What is read of one folder.
pub(super) const FOLDER: FolderLimits = FolderLimits { files: 20_000, bytes: 1 << 30 };
/// Envelopes in one file, a line each.
pub(super) const LINES: usize = 10_000;

/// Limits on one folder.
#[derive(Clone, Copy, Debug)]
pub(super) struct FolderLimits {
    /// How many files are looked at.
    pub(super) files: usize,
    /// What is read of them altogether.
    pub(super) bytes: u64,
}

/// A VSA that is signed by whom is trusted.
#[derive(Clone, Debug)]
pub(super) struct StoredVsa {
    /// The file.
    pub(super) place: String,
    /// What it is about.
    pub(super) subjects: Vec<Digest>,
    /// What it says, or why that cannot be read.
    pub(super) vsa: Result<Vsa, String>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub(super) struct StoredVsas {
    /// The VSAs.
    pub(super) found: Vec<StoredVsa>,
    /// What does not count: the file, a code and the reason.
    pub(super) refused: Vec<(String, &'static str, String)>,
}

impl StoredVsas {
    /// Reads a file that must hold VSAs.
    pub(super) fn add_file(&mut self, file: &Utf8Path, key: Option<&PublicKey>) -> Result<(), RequestError> {
        let bytes = read_bytes(file, "VSA", FILE_BYTES)?;
        self.add(file, &bytes, key, true);
        Ok(())
    }

    /// Reads all files of a folder that are called `.json` or `.jsonl`. Those that hold something else are passed over: reports
    /// and predicates may be kept beside VSAs.
    pub(super) fn add_folder(
        &mut self,
        folder: &Utf8Path,
        key: Option<&PublicKey>,
        limits: FolderLimits,
    ) -> Result<(), RequestError> {
        let error = |why: String| {
            RequestError::of(RequestErrorKind::File, format!("the VSAs in `{folder}` cannot be read: {why}"))
        };
        let mut files: Vec<Utf8PathBuf> = Vec::new();
        for entry in folder.read_dir_utf8().map_err(|why| error(why.to_string()))? {
            let entry = entry.map_err(|why| error(why.to_string()))?;
            let is_named = matches!(entry.path().extension(), Some("json" | "jsonl"));
            if is_named && entry.file_type().is_ok_and(|kind| kind.is_file()) {
                files.push(entry.into_path());
            }
            if files.len() > limits.files {
                return Err(error(format!("there are more than {} files", limits.files)));
            }
        }
        files.sort();
        let mut left = limits.bytes;
        for file in files {
            let opened = fs_err::File::open(&file).map_err(|why| error(why.to_string()))?;
            match read_bounded(opened, FILE_BYTES.min(left)) {
                Ok(bytes) => {
                    left -= u64::try_from(bytes.len()).unwrap_or(u64::MAX).min(left);
                    self.add(&file, &bytes, key, false);
                }
                Err(ReadError::TooLarge(_)) if left >= FILE_BYTES => {
                    let reason = format!("it has more than the {FILE_BYTES} bytes allowed");
                    self.refused.push((file.into_string(), "limit", reason));
                }
                Err(ReadError::TooLarge(_)) => {
                    return Err(error(format!("they have more than {} bytes", limits.bytes)));
                }
                Err(ReadError::Io(why)) => return Err(error(why.to_string())),
            }
        }
        Ok(())
    }

    fn add(&mut self, file: &Utf8Path, bytes: &[u8], key: Option<&PublicKey>, is_named: bool) {
        let has_lines = file.extension() == Some("jsonl");
        let lines: Vec<&[u8]> = match has_lines {
            true => bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect(),
            false => vec![bytes],
        };
        if lines.len() > LINES {
            let reason = format!("it has more than {LINES} lines");
            self.refused.push((file.to_string(), "limit", reason));
            return;
        }
        for line in lines {
            if !is_named && !is_envelope(line) {
                continue;
            }
            match open_statement(line, key) {
                Ok(statement) if statement.predicate_type == VSA_PREDICATE_TYPE => self.found.push(StoredVsa {
                    place: file.to_string(),
                    vsa: Vsa::read(&statement.predicate),
                    subjects: statement.subjects.into_iter().collect(),
                }),
                Ok(statement) => {
                    let found: String = statement.predicate_type.chars().take(200).collect();
                    let reason = format!("the statement is of the type `{found}`, not `{VSA_PREDICATE_TYPE}`");
                    self.refused.push((file.to_string(), "predicate-type", reason));
                }
                Err(error) => self.refused.push((file.to_string(), error.code(), error.to_string())),
            }
        }
    }
}

/// Whether bytes are meant to be an envelope.
fn is_envelope(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.contains("\"payloadType\""))
}
