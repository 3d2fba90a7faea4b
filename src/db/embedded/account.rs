//! Which account the server runs as: ours, or, where we are root, an unprivileged one, since PostgreSQL refuses root.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::kernel::{Error, Result};

/// Accounts that root hands the server to, the first that exists: one made for us, then the package's.
const ACCOUNTS: [&str; 2] = ["neurolink", "postgres"];

/// Who runs the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Whether we are root and have to become it.
    pub(super) change: bool,
}

impl Account {
    /// The account for the directory `root`, which exists.
    pub(super) fn of(root: &Path, meta: &fs::Metadata) -> Result<Self> {
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
