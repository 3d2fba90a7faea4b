//! The cluster's files: made by `initdb` in a folder aside and moved into place as a whole, so that a crash leaves either
//! no cluster or one; the settings that keep it small, private and durable.

use std::fs;
use std::path::Path;

use super::place::Place;
use super::programs::{self, Programs};
use super::{NAME, PORT};
use crate::kernel::{Error, Result, Secret, random};

/// What `initdb` works in. One that a crash left behind is removed.
const ASIDE: &str = "postgres.new-";

/// A cluster that can be started.
pub(super) struct Made {
    pub(super) programs: Programs,
    pub(super) password: Secret,
}

/// Finds the cluster or makes it, and writes its settings anew. Only the owner of the directory may call this.
pub(super) fn ensure(place: &Place) -> Result<Made> {
    let cluster = place.cluster();
    let (programs, password) = if cluster.join("PG_VERSION").exists() {
        let programs = programs::find(Some(version_of(&cluster)?))?;
        (programs, read_password(place)?)
    } else if cluster.exists() {
        return Err(Error::broken(format!(
            "{} is there but is no PostgreSQL cluster; move it away, it is made again",
            cluster.display()
        )));
    } else {
        let programs = programs::find(None)?;
        let password = make(place, &programs)?;
        (programs, password)
    };
    place.write("postgresql.conf", &settings(), 0o644)?;
    place.write("pg_hba.conf", HBA, 0o644)?;
    Ok(Made { programs, password })
}

/// The password of the cluster's only user.
pub(super) fn read_password(place: &Place) -> Result<Secret> {
    let path = place.password_file();
    let text = fs::read_to_string(&path).map_err(|e| {
        Error::internal(
            format!(
                "the embedded database's password, {}, can't be read",
                path.display()
            ),
            e,
        )
    })?;
    text.trim_end()
        .rsplit_once(':')
        .map(|(_, password)| Secret::new(password))
        .ok_or_else(|| Error::broken(format!("{} holds no password", path.display())))
}

fn version_of(cluster: &Path) -> Result<u32> {
    let path = cluster.join("PG_VERSION");
    let text = fs::read_to_string(&path)
        .map_err(|e| Error::internal(format!("{} can't be read", path.display()), e))?;
    text.trim()
        .parse()
        .map_err(|_| Error::broken(format!("{} holds no version", path.display())))
}

fn make(place: &Place, programs: &Programs) -> Result<Secret> {
    for entry in fs::read_dir(&place.root).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(ASIDE) {
            // What can't be removed is only in the way of the disk.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    // Written first: a cluster whose password was lost in a crash would be of no use.
    let password = match read_password(place) {
        Ok(password) => password,
        Err(_) => {
            let fresh = random::secret(24)?;
            place.write("pgpass", &format!("*:*:*:{NAME}:{fresh}\n"), 0o600)?;
            Secret::new(fresh)
        }
    };
    tracing::info!(
        version = programs.major,
        directory = %place.root.display(),
        "making the embedded database"
    );
    let aside = place.root.join(format!("{ASIDE}{}", random::uuid()));
    place.private_dir(&aside)?;
    let result = init(place, programs, &aside, &password).and_then(|()| {
        let moved = fs::rename(aside.join("data"), place.cluster())
            .and_then(|()| fs::File::open(&place.root)?.sync_all());
        moved.map_err(|e| Error::internal("the new database can't be moved into place", e))
    });
    let _ = fs::remove_dir_all(&aside);
    result.map(|()| password)
}

fn init(place: &Place, programs: &Programs, aside: &Path, password: &Secret) -> Result<()> {
    use std::io::Write as _;
    let locales: &[&[&str]] = if programs.major >= 17 {
        // PostgreSQL's own C.UTF-8, the same on every system.
        &[&["--locale-provider=builtin", "--locale=C.UTF-8"]]
    } else {
        // Systems whose C library has no C.UTF-8 sort by bytes too with C; only upper and lower case know less.
        &[&["--locale=C.UTF-8"], &["--locale=C"]]
    };
    let data = aside.join("data");
    let mut said = String::new();
    for locale in locales {
        // initdb takes a password only from a file, which the server's account must be able to read, and root writes
        // nothing into that account's folders: so the account itself writes it, from a pipe. It goes with the folder.
        let mut child = place
            .account
            .command(Path::new("/bin/sh"))
            .args([
                "-c",
                "umask 077; cat > \"$1\" && shift && exec \"$@\"",
                "sh",
            ])
            .arg(aside.join("password"))
            .arg(programs.bin.join("initdb"))
            .arg("-D")
            .arg(&data)
            .arg(format!("--pwfile={}", aside.join("password").display()))
            .args([
                "--encoding=UTF8",
                "--auth=scram-sha-256",
                "--data-checksums",
            ])
            .arg(format!("--username={NAME}"))
            .args(*locale)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .map_err(|e| Error::internal("initdb can't be started", e))?;
        if let Some(mut stdin) = child.stdin.take() {
            // If nobody reads it, initdb says what is wrong better than we can.
            let _ = writeln!(stdin, "{}", password.expose());
        }
        let output = child
            .wait_with_output()
            .map_err(|e| Error::internal("initdb can't be waited for", e))?;
        if output.status.success() {
            return Ok(());
        }
        said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let _ = fs::remove_dir_all(&data);
        if !said.contains("locale") {
            break;
        }
    }
    Err(Error::broken(format!(
        "initdb failed in {}: {said}{}",
        place.root.display(),
        hint(&said)
    )))
}

fn hint(said: &str) -> &'static str {
    if said.contains("Permission denied") {
        " (PostgreSQL runs as an unprivileged account, which must be able to pass through every folder above the data \
         directory)"
    } else {
        ""
    }
}

/// All by password. That other accounts can't even reach the socket is its folder's business.
const HBA: &str = "# Written at every start of neurolink.\nlocal all all scram-sha-256\n";

fn settings() -> String {
    let buffers = shared_buffers(&fs::read_to_string("/proc/meminfo").unwrap_or_default());
    format!(
        "# Written at every start of neurolink. Settings of your own: alter system set …, which win over these.
port = {PORT}
max_connections = 40
superuser_reserved_connections = 3
shared_buffers = {buffers}MB
max_wal_size = 512MB
min_wal_size = 80MB
max_worker_processes = 4
max_parallel_workers = 0
max_parallel_workers_per_gather = 0
autovacuum_max_workers = 2
autovacuum_naptime = 20s
max_wal_senders = 2
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
# A log a weekday, begun anew a week later: bounded without anybody's care.
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
log_rotation_size = 0
log_file_mode = 0600
log_line_prefix = '%m [%p] '
log_min_duration_statement = 5s
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
"
    )
}

/// A thirty-second of the memory, between 32 and 128 MB.
fn shared_buffers(meminfo: &str) -> u64 {
    let kb = meminfo
        .lines()
        .find_map(|l| l.strip_prefix("MemTotal:"))
        .and_then(|l| l.split_whitespace().next())
        .and_then(|n| n.parse::<u64>().ok())
        .unwrap_or(0);
    (kb / 1024 / 32).clamp(32, 128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffers_follow_the_memory_within_bounds() {
        assert_eq!(shared_buffers("MemTotal:  2097152 kB\n"), 64);
        assert_eq!(shared_buffers("MemTotal: 99999999 kB\n"), 128);
        assert_eq!(shared_buffers(""), 32);
    }
}
