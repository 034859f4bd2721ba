//! [`Folder`]: a folder held by its handle, in which nothing is reached through a link.
//!
//! A path is looked up again at every use, and any part of it may have become a link since. So folders that hold what
//! came from outside are opened once, and everything below is opened relative to that handle, one part of a name at a
//! time, with the kernel forbidden to follow links (`openat` with `O_NOFOLLOW`).

use std::{
    fs::File,
    io,
    os::fd::{AsFd as _, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, fstat, mkdirat, openat, symlinkat, unlinkat},
    process::geteuid,
};

/// How every folder is opened.
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder(OwnedFd);

impl Folder {
    /// Opens a folder. Its own path may lead through links, but it must not be one itself.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(openat(CWD, path, FOLDER, Mode::empty())?))
    }

    /// Refuses a folder of another user, and one that others can write to.
    pub(super) fn check_own(&self) -> io::Result<()> {
        let about = fstat(&self.0)?;
        let refused = |why: String| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        if about.st_uid != geteuid().as_raw() {
            return refused("it belongs to another user".to_owned());
        }
        let mode = Mode::from_raw_mode(about.st_mode);
        if mode.intersects(Mode::WGRP | Mode::WOTH) {
            let bits = mode.bits() & 0o777;
            return refused(format!("it is writable by others (mode {bits:o}); run `chmod go-w` on it"));
        }
        Ok(())
    }

    /// The folder below this one that these names lead to, made where it is not there.
    pub(super) fn make(&self, names: &[&str]) -> io::Result<Self> {
        let mut folder = Self(self.0.try_clone()?);
        for name in names {
            match mkdirat(&folder.0, *name, Mode::RWXU) {
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            folder = Self(openat(&folder.0, *name, FOLDER, Mode::empty())?);
        }
        Ok(folder)
    }

    /// A new file in this folder. A name that is taken, by a link as well, is an error of the kind `AlreadyExists`.
    pub(super) fn new_file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(&self.0, name, flags, Mode::from_raw_mode(0o666))?.into())
    }

    /// A regular file in this folder that belongs to the folder's owner. A pipe or a device would block a reader of
    /// it, and a link or another user's file holds what somebody else chose.
    pub(super) fn read_file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&self.0, name, flags, Mode::empty())?;
        let (found, folder) = (fstat(&file)?, fstat(self.0.as_fd())?);
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        if found.st_uid != folder.st_uid {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to another user"));
        }
        Ok(file.into())
    }

    /// A new link in this folder.
    pub(super) fn link(&self, target: &str, name: &str) -> io::Result<()> {
        Ok(symlinkat(target, &self.0, name)?)
    }

    /// Removes a file or a link of this folder.
    pub(super) fn remove_file(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.0, name, AtFlags::empty())?)
    }
}
