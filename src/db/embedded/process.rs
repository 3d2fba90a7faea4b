//! The server's process: our child, in a process group of its own so that Ctrl-C reaches us first, asked by the kernel to
//! stop when we die (Linux).

use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tokio::sync::watch;

use super::orphan::pid_in;
use super::place::Place;
use super::programs::Programs;
use super::{POLL, PORT};
use crate::kernel::{Error, Result, clock};

/// How long a server gets to write everything (SIGINT), then to drop everything (SIGQUIT), before it is killed.
pub(super) const FAST: Duration = Duration::from_secs(30);
pub(super) const IMMEDIATE: Duration = Duration::from_secs(5);

/// How long the backends of a killed server may keep its shared memory.
const LEFTOVERS: Duration = Duration::from_secs(10);

/// A server that we have started.
#[derive(Debug)]
pub(super) struct Process {
    pid: Pid,
    /// True once the child has been waited for, when its number may be another process's. Held while signalling.
    reaped: Arc<Mutex<bool>>,
    exited: watch::Receiver<Option<ExitStatus>>,
}

impl Process {
    /// Starts the server. That it answers is for the caller to find out.
    pub(super) async fn start(place: &Place, programs: &Programs) -> Result<Self> {
        let begun = clock::instant();
        loop {
            let log = place.write("postgres-start.log", "", 0o600)?;
            let process = Self::spawn(command(place, programs, &log)?)?;
            // Whether it found the directory free shows at once: it has its lock file, or it is gone.
            let lock = place.cluster().join("postmaster.pid");
            while !process.has_exited() && pid_in(&lock) != Some(process.pid) {
                tokio::time::sleep(POLL).await;
            }
            if !process.has_exited() {
                return Ok(process);
            }
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            if !said.contains("shared memory block") || begun.elapsed() > LEFTOVERS {
                return Err(process.last_words(place));
            }
            // Backends of a killed server end within moments.
            tokio::time::sleep(POLL).await;
        }
    }

    fn spawn(mut command: Command) -> Result<Self> {
        let (tell, told) = std::sync::mpsc::channel();
        let (exit, exited) = watch::channel(None);
        let reaped = Arc::new(Mutex::new(false));
        let reaper = reaped.clone();
        // The kernel's "when my parent dies" means the thread that forked: this one lives exactly as long as the server.
        std::thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || {
                let mut child = match command.spawn() {
                    Ok(child) => child,
                    Err(error) => {
                        let _ = tell.send(Err(error));
                        return;
                    }
                };
                let pid = Pid::from_child(&child);
                let _ = tell.send(Ok(pid));
                // Wait without reaping first, so that nobody signals a number that has been given to another process.
                let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
                while matches!(waitid(WaitId::Pid(pid), look), Err(rustix::io::Errno::INTR)) {}
                let mut reaped = reaper.lock().unwrap_or_else(PoisonError::into_inner);
                let status = child.wait();
                *reaped = true;
                drop(reaped);
                // Ends with the sender as well; a status that can't be had is none.
                let _ = exit.send(status.ok());
            })
            .map_err(|e| Error::internal("no thread for the database server", e))?;
        let pid = told
            .recv()
            .map_err(|e| Error::internal("the database server's thread ended", e))?
            .map_err(|e| Error::internal("the database server can't be started", e))?;
        Ok(Self {
            pid,
            reaped,
            exited,
        })
    }

    pub(super) fn has_exited(&self) -> bool {
        *self.reaped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When it is gone, for whatever reason.
    pub(super) async fn exited(&self) {
        let mut exited = self.exited.clone();
        // An error is a sender that is gone: so is the server.
        let _ = exited.wait_for(Option::is_some).await;
    }

    /// Fast shutdown, and by force when it takes too long.
    pub(super) async fn stop(self) -> Result<()> {
        for (signal, patience) in [
            (Signal::INT, FAST),
            (Signal::QUIT, IMMEDIATE),
            (Signal::KILL, IMMEDIATE),
        ] {
            self.signal(signal);
            if tokio::time::timeout(patience, self.exited()).await.is_ok() {
                return if signal == Signal::INT {
                    Ok(())
                } else {
                    Err(Error::broken(
                        "the embedded database didn't stop in time and was cut off; its next start recovers",
                    ))
                };
            }
        }
        Err(Error::broken("the embedded database can't be stopped"))
    }

    fn signal(&self, signal: Signal) {
        let reaped = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        if !*reaped {
            // It may have ended this moment; then there is nothing to do.
            let _ = kill_process(self.pid, signal);
        }
    }

    /// Why it didn't start, in its own words.
    pub(super) fn last_words(&self, place: &Place) -> Error {
        let text =
            std::fs::read_to_string(place.root.join("postgres-start.log")).unwrap_or_default();
        let status = match *self.exited.borrow() {
            Some(status) => status.to_string(),
            None => "ended".to_owned(),
        };
        Error::broken(format!(
            "the embedded database didn't start ({status}): {} (see also {})",
            tail(&text, 6),
            place.cluster().join("log").display()
        ))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::INT);
    }
}

fn command(place: &Place, programs: &Programs, log: &Path) -> Result<Command> {
    use std::os::unix::process::CommandExt as _;
    let postgres = programs.bin.join("postgres");
    let setpriv = ["/usr/bin/setpriv", "/bin/setpriv"]
        .map(Path::new)
        .into_iter()
        .find(|p| p.exists());
    let mut command = match setpriv {
        Some(setpriv) => {
            let mut command = place.account.command(setpriv);
            command.args(["--pdeathsig", "INT", "--"]).arg(&postgres);
            command
        }
        None => place.account.command(&postgres),
    };
    let open = || {
        std::fs::OpenOptions::new()
            .append(true)
            .open(log)
            .map_err(|e| Error::internal(format!("{} can't be opened", log.display()), e))
    };
    let file = |name: &str| place.root.join(name).display().to_string();
    // What keeps it private stands here, where no settings file can change it.
    let socket = place.socket.display().to_string().replace('"', "\"\"");
    command.arg("-D").arg(place.cluster());
    for setting in [
        format!("config_file={}", file("postgresql.conf")),
        format!("hba_file={}", file("pg_hba.conf")),
        format!("unix_socket_directories=\"{socket}\""),
        "unix_socket_permissions=0700".to_owned(),
        "listen_addresses=".to_owned(),
        format!("port={PORT}"),
        "password_encryption=scram-sha-256".to_owned(),
        "fsync=on".to_owned(),
        "full_page_writes=on".to_owned(),
    ] {
        command.args(["-c", &setting]);
    }
    command
        .stdout(Stdio::from(open()?))
        .stderr(Stdio::from(open()?))
        .process_group(0);
    Ok(command)
}

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    all[all.len().saturating_sub(lines)..].join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_words_are_passed_on() {
        assert_eq!(tail("a\n\nb\nc\n", 2), "b | c");
        assert_eq!(tail("", 2), "");
    }
}
