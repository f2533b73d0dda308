//! A file that is being made, under a name of its own until it is whole.

use super::file::{folder, make_folder, remove_siblings, same, sync_folder, trouble, with_end};
use crate::error::{Error, ErrorKind, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// An empty file `<name>.partial`, for its owner only from the start. Dropped unfinished, it is removed with what SQLite
/// made beside it.
pub(super) struct Partial {
    path: PathBuf,
    to: PathBuf,
    /// Held open for its lock, which tells a file that is being written from one that a crash left behind. It is another
    /// sort of lock than SQLite's, and neither disturbs the other.
    file: File,
    finished: bool,
}

impl Partial {
    /// Begins the file that will be `to`. One that a crash left behind is removed first.
    pub(super) fn begin(to: &Path) -> Result<Self> {
        make_folder(folder(to))?;
        let path = with_end(to, ".partial");
        loop {
            let (file, fresh) = open(&path)
                .map_err(|error| trouble(format!("the file {} can't be made", path.display()), error))?;
            if cfg!(unix) {
                match file.try_lock() {
                    Ok(()) => {}
                    Err(TryLockError::WouldBlock) => return Err(in_use(&path)),
                    Err(TryLockError::Error(error)) => {
                        return Err(trouble(format!("{} can't be locked", path.display()), error));
                    }
                }
            }
            // Another may have removed or finished it between our opening and locking it: then the name is not ours.
            if !is_at(&file, &path) {
                continue;
            }
            // Also beside a fresh one: a journal without its file would be played back into ours.
            remove_siblings(&path)
                .map_err(|error| trouble(format!("{} can't be cleared away", path.display()), error))?;
            if fresh {
                return Ok(Self { path, to: to.to_owned(), file, finished: false });
            }
            // Removed and not emptied: the file may have a second name, under which it is somebody's backup.
            super::file::remove(&path)
                .map_err(|error| trouble(format!("{} can't be cleared away", path.display()), error))?;
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts what was written on the disk.
    pub(super) fn sync(&self) -> Result<()> {
        self.file.sync_all().map_err(|error| {
            trouble(format!("{} could not be written to the disk", self.path.display()), error)
        })
    }

    /// Gives the file its name, which nothing may have yet.
    pub(super) fn place(mut self) -> Result<()> {
        // A second name, then the first one away: unlike a rename this never replaces a file that came in between.
        match std::fs::hard_link(&self.path, &self.to) {
            Ok(()) => {
                self.finished = true;
                let _ = std::fs::remove_file(&self.path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(exists(&self.to)),
            // A file system without second names.
            Err(_) if self.to.symlink_metadata().is_err() => self.rename()?,
            Err(_) => return Err(exists(&self.to)),
        }
        sync_folder(folder(&self.to))
    }

    /// Gives the file its name, in place of what has it now. At any moment the name stands for one of the two.
    pub(super) fn replace(mut self) -> Result<()> {
        self.rename()?;
        sync_folder(folder(&self.to))
    }

    fn rename(&mut self) -> Result<()> {
        std::fs::rename(&self.path, &self.to).map_err(|error| {
            trouble(format!("{} can't be renamed to {}", self.path.display(), self.to.display()), error)
        })?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Nothing can be done about a failure here; the next one to begin clears it away.
        let _ = remove_siblings(&self.path);
        if !self.finished {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Refuses a target that is there.
pub(super) fn refuse_existing(to: &Path) -> Result<()> {
    if to.symlink_metadata().is_ok() { Err(exists(to)) } else { Ok(()) }
}

fn exists(to: &Path) -> Error {
    Error::new(ErrorKind::Backup, format!("{} is there already", to.display()))
        .with_help("choose another name; a backup never replaces a file")
}

fn in_use(path: &Path) -> Error {
    Error::new(ErrorKind::Busy, format!("another process is writing {} now", path.display()))
        .with_help("wait until it is done, or choose another name")
}

/// The file, and whether it was made just now.
fn open(path: &Path) -> io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
        // A link that somebody has put there is not followed.
        options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    loop {
        match options.clone().create_new(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|file| (file, true)),
        }
        match options.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => return found.map(|file| (file, false)),
        }
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(a), Ok(b)) => same(&a, &b),
        _ => false,
    }
}
