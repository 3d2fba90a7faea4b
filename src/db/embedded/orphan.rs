//! A server that an earlier run has left in the directory: found by its lock file, and stopped before ours starts.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use super::POLL;
use super::place::Place;
use super::process::{FAST, IMMEDIATE};
use crate::kernel::{Error, Result, clock};

/// Stops a server that a crash of ours has left in the directory, and removes the lock file of one that is gone where
/// its number now belongs to another process (in a container they repeat), which PostgreSQL would take for a server.
pub(super) async fn stop_orphan(place: &Place) -> Result<()> {
    let lock = place.cluster().join("postmaster.pid");
    let Some(pid) = pid_in(&lock) else {
        return Ok(());
    };
    if !is_server(pid, &place.cluster()) {
        if rustix::process::test_kill_process(pid).is_ok() && Path::new("/proc/self").exists() {
            let _ = std::fs::remove_file(&lock);
        }
        return Ok(());
    }
    tracing::warn!(
        pid = pid.as_raw_nonzero().get(),
        "a database server of an earlier run is still there; stopping it"
    );
    for (signal, patience) in [
        (Signal::INT, FAST),
        (Signal::QUIT, IMMEDIATE),
        (Signal::KILL, IMMEDIATE),
    ] {
        let begun = clock::instant();
        // Looked at again just before: it may be ending on its own, asked by the kernel.
        if is_server(pid, &place.cluster()) {
            match kill_process(pid, signal) {
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => {
                    return Err(Error::internal(
                        "a database server of another user is running in the data directory",
                        error,
                    ));
                }
            }
        }
        while begun.elapsed() < patience {
            if !is_server(pid, &place.cluster()) {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
    }
    Err(Error::broken(
        "a database server of an earlier run can't be stopped",
    ))
}

/// The server that has written a cluster's lock file.
pub(super) fn pid_in(lock: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(lock).ok()?;
    Pid::from_raw(text.lines().next()?.trim().parse().ok()?)
}

/// Whether a process is alive and the server of this cluster. Its command line tells; every account may read it.
fn is_server(pid: Pid, cluster: &Path) -> bool {
    if !Path::new("/proc/self").exists() {
        return rustix::process::test_kill_process(pid).is_ok();
    }
    let Ok(line) = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())) else {
        return false;
    };
    // A zombie's is empty. The directory may have been reached by another name then.
    use std::os::unix::ffi::OsStrExt as _;
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let cluster = real(cluster);
    line.split(|&b| b == 0)
        .map(|word| Path::new(std::ffi::OsStr::from_bytes(word)))
        .any(|word| word.is_absolute() && real(word) == cluster)
}
