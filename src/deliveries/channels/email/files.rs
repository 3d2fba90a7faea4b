//! Mails as `.eml` files in a folder, for demos and tests (`NEUROLINK_EMAIL_DIR`). From a composed mail to a file of its
//! delivery's name, complete or not there: written beside, synced, then renamed. A retry replaces it, so there are no
//! duplicates. Readable by the process's own user only: mails tell of customers and amounts.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::message::Mail;
use crate::deliveries::model::SendError;
use crate::kernel::random;

/// A local disk needs no more; one that hangs (a network folder) is tried again later.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A folder for mails.
pub(super) struct Files {
    dir: PathBuf,
}

impl Files {
    /// Makes the folder if it isn't there, and tries whether it can be written to.
    pub(super) fn open(dir: &Path) -> Result<Self, String> {
        let fault = |e: io::Error| format!("{}: {e}", dir.display());
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(fault)?;
        let probe = dir.join(format!(".probe-{}", random::uuid()));
        fs::write(&probe, b"")
            .and_then(|()| fs::remove_file(&probe))
            .map_err(fault)?;
        Ok(Self {
            dir: dir.to_owned(),
        })
    }

    /// No mail takes longer.
    pub(super) fn timeout(&self) -> Duration {
        TIMEOUT
    }

    /// Writes a delivery's mail; returns the file's name. Dropped halfway, the write still finishes, or leaves nothing
    /// but a hidden `.tmp` file if the process dies at that moment.
    pub(super) async fn write(&self, delivery_id: i64, mail: &Mail) -> Result<String, SendError> {
        let name = format!("{delivery_id}.eml");
        let path = self.dir.join(&name);
        // Two nodes may try the same delivery after an expired lease; each writes a file of its own.
        let beside = self.dir.join(format!(".{name}.{}.tmp", random::uuid()));
        let text = mail.text.clone();
        let write = tokio::task::spawn_blocking(move || put(&beside, &path, &text));
        let fault = match tokio::time::timeout(TIMEOUT, write).await {
            Ok(Ok(Ok(()))) => return Ok(name),
            Ok(Ok(Err(e))) => e.to_string(),
            Ok(Err(e)) => e.to_string(),
            Err(_) => format!("not done after {} s", TIMEOUT.as_secs()),
        };
        Err(SendError::Transient(format!(
            "can't write {name} to {}: {fault}",
            self.dir.display()
        )))
    }
}

fn put(beside: &Path, path: &Path, text: &str) -> io::Result<()> {
    let written = (|| {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(beside, path)?;
        // The name is only durable once its folder is.
        match path.parent() {
            Some(dir) => fs::File::open(dir)?.sync_all(),
            None => Ok(()),
        }
    })();
    if written.is_err() {
        // The first fault is the one to tell; what is left over is hidden and harmless.
        let _ = fs::remove_file(beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::super::address::parse;
    use super::*;

    fn mail(text: &str) -> Mail {
        Mail {
            message_id: "<1@x.example>".into(),
            from: parse("a@x.example").unwrap(),
            to: parse("b@x.example").unwrap(),
            text: text.into(),
        }
    }

    #[tokio::test]
    async fn a_retry_replaces_the_file_and_leaves_nothing_beside() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::open(&dir.path().join("new/mails")).unwrap();
        assert_eq!(files.write(33, &mail("one")).await.unwrap(), "33.eml");
        assert_eq!(files.write(33, &mail("two")).await.unwrap(), "33.eml");
        let all: Vec<_> = fs::read_dir(&files.dir)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(all, [files.dir.join("33.eml")]);
        assert_eq!(fs::read_to_string(&all[0]).unwrap(), "two");
    }

    #[tokio::test]
    async fn a_folder_that_went_away_is_transient() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::open(&dir.path().join("mails")).unwrap();
        fs::remove_dir(&files.dir).unwrap();
        let refused = files.write(1, &mail("x")).await;
        assert!(matches!(refused, Err(SendError::Transient(_))));
    }

    #[tokio::test]
    async fn a_name_that_is_taken_by_a_folder_is_transient_and_leaves_nothing_beside() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::open(dir.path()).unwrap();
        fs::create_dir(dir.path().join("1.eml")).unwrap();
        let refused = files.write(1, &mail("x")).await;
        assert!(matches!(refused, Err(SendError::Transient(_))));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
