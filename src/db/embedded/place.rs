//! The data directory: what lies where, who may read it, and which account the server runs as. Root never runs the
//! server, and never writes into a folder that the server's account can write to.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::kernel::{Error, Result, random};

/// `sun_path` holds 107 bytes and an end; `/.s.PGSQL.5432` takes 14 of them.
const LONGEST_SOCKET_DIR: usize = 107 - 14;

/// Accounts that root hands the server to, the first that exists: one made for us, then the package's.
const ACCOUNTS: [&str; 2] = ["neurolink", "postgres"];

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

/// Who runs the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Whether we are root and have to become it.
    change: bool,
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

impl Account {
    fn of(root: &Path, meta: &fs::Metadata) -> Result<Self> {
        let (uid, gid) = (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        );
        let cluster = fs::metadata(root.join("postgres")).ok();
        if uid != 0 {
            if let Some(owner) = cluster.map(|m| m.uid()).filter(|&owner| owner != uid) {
                return Err(Error::broken(format!(
                    "the database in {} belongs to user {owner}; run this as that user or as root",
                    root.display()
                )));
            }
            return Ok(Self {
                uid,
                gid,
                change: false,
            });
        }
        // Whoever the data belongs to already; else an account that has no other rights.
        let owner = cluster
            .map(|m| (m.uid(), m.gid()))
            .into_iter()
            .chain([(meta.uid(), meta.gid())])
            .find(|&(uid, _)| uid != 0);
        let (uid, gid) = match owner {
            Some(owner) => owner,
            None => ACCOUNTS.into_iter().find_map(look_up).ok_or_else(|| {
                Error::broken(
                    "PostgreSQL doesn't run as root, and there is neither a user neurolink nor postgres to run it as; \
                     make one (adduser --system --group neurolink), or run neurolink as an ordinary user",
                )
            })?,
        };
        Ok(Self {
            uid,
            gid,
            change: true,
        })
    }

    /// A command that runs as this account, with nothing of our environment: our secrets are in there.
    pub(super) fn command(&self, program: &Path) -> Command {
        use std::os::unix::process::CommandExt as _;
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C")
            .current_dir("/")
            .stdin(Stdio::null());
        if self.change {
            // The standard library drops root's supplementary groups along with it.
            command.uid(self.uid).gid(self.gid);
        }
        command
    }
}

/// By `id`, which also knows accounts that are not in /etc/passwd.
fn look_up(name: &str) -> Option<(u32, u32)> {
    let ask = |what: &str| -> Option<u32> {
        let output = Command::new("id")
            .args([what, name])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().parse().ok())?
    };
    ask("-u").zip(ask("-g")).filter(|&(uid, _)| uid != 0)
}

#[allow(clippy::cast_possible_wrap)]
fn nofollow() -> i32 {
    rustix::fs::OFlags::NOFOLLOW.bits() as i32
}
