//! The data directory: what lies where, who may read it, and the socket's folder. Root never writes into the cluster or
//! the socket's folder, and follows no link in a directory that is another account's.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use super::account::Account;
use crate::kernel::{Error, Result, random};

/// `sun_path` holds 107 bytes and an end; `/.s.PGSQL.5432` takes 14 of them.
const LONGEST_SOCKET_DIR: usize = 107 - 14;

/// A data directory.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The directory itself, absolute.
    pub(super) root: PathBuf,
    /// The socket's folder, open to the server's account alone.
    pub(super) socket: PathBuf,
    /// Who runs the server.
    pub(super) account: Account,
}

impl Place {
    /// Makes the directory and the socket's folder where they are missing, and finds the server's account.
    pub(super) fn prepare(data_dir: &Path) -> Result<Self> {
        let root = std::path::absolute(data_dir)
            .map_err(|e| Error::internal(format!("no directory {}", data_dir.display()), e))?;
        let failed = |what: &str, e: io::Error| {
            Error::internal(format!("the data directory {} {what}", root.display()), e)
        };
        if let Some(parent) = root.parent() {
            fs::create_dir_all(parent).map_err(|e| failed("can't be made", e))?;
        }
        match DirBuilder::new().mode(0o700).create(&root) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
                return Err(failed("can't be made", e));
            }
            _ => {}
        }
        let meta = fs::metadata(&root).map_err(|e| failed("can't be read", e))?;
        let account = Account::of(&root, &meta)?;
        let passable =
            meta.mode() & 0o001 != 0 || (meta.gid() == account.gid && meta.mode() & 0o010 != 0);
        if account.change && meta.uid() == 0 && !passable {
            // The server must be able to pass through; nobody else.
            std::os::unix::fs::chown(&root, None, Some(account.gid))
                .and_then(|()| {
                    fs::set_permissions(&root, Permissions::from_mode(meta.mode() & 0o7777 | 0o010))
                })
                .map_err(|e| failed("can't be opened to the server's account", e))?;
        }
        let mut place = Self {
            socket: root.join("socket"),
            root,
            account,
        };
        place.socket = place.socket_dir()?;
        Ok(place)
    }

    /// The cluster.
    pub(super) fn cluster(&self) -> PathBuf {
        self.root.join("postgres")
    }

    /// The password, as a `PGPASSFILE`.
    pub(super) fn password_file(&self) -> PathBuf {
        self.root.join("pgpass")
    }

    /// A lock file, made where missing.
    pub(super) fn open_lock(&self, name: &str) -> Result<File> {
        let path = self.root.join(name);
        let open = || {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags(nofollow())
                .open(&path)
        };
        let result = if path.exists() {
            open()
        } else {
            open().and_then(|file| self.give(&file).map(|()| file))
        };
        result.map_err(|e| Error::internal(format!("{} can't be opened", path.display()), e))
    }

    /// Writes a file of ours as a whole, or not at all; a link in its place is replaced, not followed.
    pub(super) fn write(&self, name: &str, text: &str, mode: u32) -> Result<PathBuf> {
        let path = self.root.join(name);
        let fresh = self.root.join(format!(".{name}.{}", random::uuid()));
        let write = || -> io::Result<()> {
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(mode)
                .open(&fresh)?;
            // The umask may have taken away what the server's account needs to read.
            file.set_permissions(Permissions::from_mode(mode))?;
            file.write_all(text.as_bytes())?;
            self.give(&file)?;
            file.sync_all()?;
            fs::rename(&fresh, &path)?;
            File::open(&self.root)?.sync_all()
        };
        write().map_err(|e| {
            let _ = fs::remove_file(&fresh);
            Error::internal(format!("{} can't be written", path.display()), e)
        })?;
        Ok(path)
    }

    /// Root leaves files to whom the directory belongs, so that the service's own account can use them.
    fn give(&self, file: &File) -> io::Result<()> {
        let owner = fs::metadata(&self.root)?;
        if self.account.change && owner.uid() != 0 {
            std::os::unix::fs::fchown(file, Some(owner.uid()), Some(owner.gid()))?;
        }
        Ok(())
    }

    /// A new folder for the server's account alone.
    pub(super) fn private_dir(&self, path: &Path) -> Result<()> {
        let failed = |e: io::Error| Error::internal(format!("{} can't be made", path.display()), e);
        DirBuilder::new().mode(0o700).create(path).map_err(failed)?;
        if self.account.change {
            std::os::unix::fs::chown(path, Some(self.account.uid), Some(self.account.gid))
                .map_err(failed)?;
        }
        Ok(())
    }

    /// The socket's folder: in the directory, or, where its name is too long for a socket, a private one elsewhere that
    /// the directory remembers.
    fn socket_dir(&self) -> Result<PathBuf> {
        let own = self.root.join("socket");
        if own.as_os_str().len() <= LONGEST_SOCKET_DIR {
            if self.is_private(&own) {
                return Ok(own);
            }
            if fs::symlink_metadata(&own).is_ok() {
                return Err(Error::broken(format!(
                    "{} must be a folder of user {} with mode 0700; remove it, it is made again",
                    own.display(),
                    self.account.uid
                )));
            }
            // Two processes may make it at once.
            return match self.private_dir(&own) {
                Err(_) if self.is_private(&own) => Ok(own),
                other => other.map(|()| own),
            };
        }
        // Two processes at once must agree on one.
        let turn = self.open_lock("neurolink.socket-lock")?;
        turn.lock()
            .map_err(|e| Error::internal("the data directory can't be locked", e))?;
        if let Ok(text) = fs::read_to_string(self.root.join("socket-dir")) {
            let known = PathBuf::from(text.trim_end_matches('\n'));
            if known.is_absolute() && self.is_private(&known) {
                return Ok(known);
            }
        }
        let parent = self.short_parent();
        let name = random::secret(9)?;
        let made = parent.join(format!("neurolink-{name}"));
        self.private_dir(&made)?;
        self.write("socket-dir", &format!("{}\n", made.display()), 0o600)?;
        Ok(made)
    }

    fn short_parent(&self) -> PathBuf {
        let own = PathBuf::from(format!("/run/user/{}", self.account.uid));
        if self.account.change {
            "/run".into()
        } else if fs::metadata(&own).is_ok_and(|m| m.uid() == self.account.uid) {
            own
        } else {
            "/tmp".into()
        }
    }

    fn is_private(&self, path: &Path) -> bool {
        fs::symlink_metadata(path)
            .is_ok_and(|m| m.is_dir() && m.uid() == self.account.uid && m.mode() & 0o077 == 0)
    }
}

#[allow(clippy::cast_possible_wrap)]
fn nofollow() -> i32 {
    rustix::fs::OFlags::NOFOLLOW.bits() as i32
}
