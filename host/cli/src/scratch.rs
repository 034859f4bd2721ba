//! [`Scratch`]: the folder that this process keeps its temporary files in, so that they go when its time is over while
//! threads still work with them.

use camino::Utf8Path;

use crate::files::private_folder;

/// How often a folder is removed that others still write to.
const ATTEMPTS: usize = 5;

/// A folder that only its owner may read. It goes with the value.
#[derive(Debug, Default)]
pub(crate) struct Scratch(Option<tempfile::TempDir>);

impl Scratch {
    /// Creates the directory. If that fails, the code that needs it reports the error.
    pub(crate) fn new(temporary: &Utf8Path) -> Self {
        Self(private_folder("assay-").tempdir_in(temporary).ok())
    }

    /// Has the temporary files of this process made in it from now on.
    pub(crate) fn in_use(mut self) -> Self {
        let is_free = |folder: &tempfile::TempDir| tempfile::env::override_temp_dir(folder.path()).is_ok();
        self.0 = self.0.take().filter(is_free);
        self
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let Some(folder) = self.0.take() else { return };
        let path = folder.path().to_owned();
        // A thread that nobody waits for may put a file into a folder that is just being emptied.
        let _last = folder.close();
        for _ in 0..ATTEMPTS {
            match fs_err::remove_dir_all(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {}
                _ => break,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_folder_is_its_owners_alone_and_goes_with_the_value() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let temporary = Utf8Path::from_path(folder.path()).unwrap();
        let made = |temporary: &Utf8Path| {
            let folders: Vec<_> = fs_err::read_dir(temporary).unwrap().map(|entry| entry.unwrap()).collect();
            folders.iter().map(|entry| entry.metadata().unwrap().permissions().mode() & 0o777).collect::<Vec<_>>()
        };
        let scratch = Scratch::new(temporary);
        assert_eq!(made(temporary), [0o700]);
        let kept = scratch.0.as_ref().unwrap().path().join("kept");
        fs_err::write(kept, "by a thread that nobody waits for").unwrap();
        drop(scratch);
        assert_eq!(made(temporary), [0; 0]);
        // Without a temporary folder there is none.
        drop(Scratch::new(&temporary.join("absent")));
    }
}
