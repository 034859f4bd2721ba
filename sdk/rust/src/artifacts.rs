//! Files that outlive the call: they become real with its answer. And test cases, where the world has them.

use crate::{Error, bindings::assay::plugin::artifacts, host, invalid};

const PART: u32 = 1 << 20;

fn error(name: &str, error: &artifacts::Error) -> Error {
    match error {
        artifacts::Error::Quota(most) => invalid(format!("{name} is larger than the {most} bytes allowed")),
        artifacts::Error::BadName => invalid(format!("`{name}` is not a name of a file")),
        artifacts::Error::NotFound => invalid(format!("there is no file {name}")),
        artifacts::Error::Denied(why) => invalid(format!("{name} is denied: {why}")),
    }
}

/// Adds to a file, or makes it.
///
/// # Errors
/// The name or the size is not allowed.
pub fn append(name: &str, media_type: &str, bytes: &[u8]) -> Result<(), Error> {
    host::artifacts::append(name, media_type, bytes).map(|_| ()).map_err(|cause| error(name, &cause))
}

/// The digest of a file that this job wrote, `sha256:…`.
///
/// # Errors
/// There is none.
pub fn digest(name: &str) -> Result<String, Error> {
    host::artifacts::digest_of(name).map_err(|cause| error(name, &cause))
}

/// The whole content of a file that this job wrote.
///
/// # Errors
/// There is none.
pub fn read(name: &str) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    loop {
        let part = host::artifacts::read(name, bytes.len() as u64, PART).map_err(|cause| error(name, &cause))?;
        if part.is_empty() {
            return Ok(bytes);
        }
        bytes.extend(part);
    }
}

/// Lets the host read the test cases of a file: `junit`, `testing-farm`, `tap` or `sarif`.
///
/// # Errors
/// The file is not of that format.
#[cfg(not(feature = "reporter"))]
pub fn ingest(name: &str, format: &str) -> Result<crate::bindings::assay::plugin::tests::Counts, Error> {
    use crate::bindings::assay::plugin::tests::Error as Cause;
    host::tests::ingest(name, format).map_err(|cause| match cause {
        Cause::Quota(most) => invalid(format!("{name} has more than the {most} test cases allowed")),
        Cause::NotFound => invalid(format!("there is no file {name}")),
        Cause::UnknownFormat => invalid(format!("`{format}` is not a format of test results")),
        Cause::Malformed(why) => invalid(format!("{name} cannot be read as {format}: {why}")),
    })
}
