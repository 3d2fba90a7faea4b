//! Who owns a data directory, and who else is using its database. Both are `flock`s, which end with their process
//! however it ends:
//!   * `neurolink.lock`, exclusive: the owner, who runs the server. Its text says who that is, and whether it is ready.
//!   * `neurolink.users`, shared: commands that have joined. An owner that is itself only a command waits for them.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::time::Duration;

use super::POLL;
use super::place::Place;
use crate::kernel::{Error, Result, clock};

/// What kind of process owns a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Until it is stopped.
    Service,
    /// For a moment.
    Command,
}

impl Role {
    fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Command => "command",
        }
    }
}

/// Who owns a directory, as far as its lock file tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Holder {
    /// None while the owner hasn't written its name yet.
    pub(super) role: Option<Role>,
    pub(super) pid: u32,
    pub(super) ready: bool,
}

/// The owner's lock.
#[derive(Debug)]
pub(super) struct Claim {
    file: File,
    role: Role,
}

impl Claim {
    /// The lock, or `None` when another process has it.
    pub(super) fn take(place: &Place, role: Role) -> Result<Option<Self>> {
        let file = place.open_lock("neurolink.lock")?;
        if !try_lock(&file, true)? {
            return Ok(None);
        }
        let mut claim = Self { file, role };
        claim.write("")?;
        Ok(Some(claim))
    }

    /// The same lock once more: it ends with the last of both.
    pub(super) fn share(&self) -> Result<Self> {
        let file = self
            .file
            .try_clone()
            .map_err(|e| Error::internal("the lock can't be shared", e))?;
        Ok(Self {
            file,
            role: self.role,
        })
    }

    /// From now on others may join.
    pub(super) fn announce_ready(&mut self) -> Result<()> {
        self.write(" ready")
    }

    fn write(&mut self, suffix: &str) -> Result<()> {
        let line = format!("{} {}{suffix}\n", self.role.word(), std::process::id());
        self.file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| self.file.write_all(line.as_bytes()))
            .map_err(|e| Error::internal("the lock file can't be written", e))
    }
}

/// Whom the lock file names. Meaningful only while somebody has the lock.
pub(super) fn holder(place: &Place) -> Holder {
    let mut text = String::new();
    if let Ok(mut file) = place.open_lock("neurolink.lock") {
        // An unreadable file names nobody; the caller asks again.
        let _ = file.read_to_string(&mut text);
    }
    parse(&text)
}

fn parse(text: &str) -> Holder {
    let mut words = text.split_whitespace();
    let role = match words.next() {
        Some("service") => Some(Role::Service),
        Some("command") => Some(Role::Command),
        _ => None,
    };
    Holder {
        role,
        pid: words.next().and_then(|w| w.parse().ok()).unwrap_or(0),
        ready: words.next() == Some("ready"),
    }
}

/// The lock of those who use a database that another process runs.
#[derive(Debug)]
pub(super) struct Users {
    _file: File,
}

impl Users {
    /// Shared; `None` while an owner is stopping.
    pub(super) fn join(place: &Place) -> Result<Option<Self>> {
        let file = place.open_lock("neurolink.users")?;
        Ok(try_lock(&file, false)?.then_some(Self { _file: file }))
    }

    /// Exclusive, when all others are through; `None` after `patience`.
    pub(super) async fn alone(place: &Place, patience: Duration) -> Result<Option<Self>> {
        let file = place.open_lock("neurolink.users")?;
        let begun = clock::instant();
        while !try_lock(&file, true)? {
            if begun.elapsed() > patience {
                tracing::warn!("stopping the embedded database under another command");
                return Ok(None);
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(Some(Self { _file: file }))
    }
}

fn try_lock(file: &File, exclusive: bool) -> Result<bool> {
    let tried = if exclusive {
        file.try_lock()
    } else {
        file.try_lock_shared()
    };
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(e)) => Err(Error::internal(
            "the data directory can't be locked (is it on a file system without flock?)",
            e,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_names_its_owner() {
        let ready = parse("service 42 ready\n");
        assert_eq!(
            ready,
            Holder {
                role: Some(Role::Service),
                pid: 42,
                ready: true
            }
        );
        assert!(!parse("command 7\n").ready);
        assert_eq!(parse("").role, None);
    }
}
