//! What this machine has: PostgreSQL's programs and an account to run them, libfaketime, free ports, a Python. Asked by whoever
//! starts processes.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// The newest installed server programs.
pub fn programs() -> Result<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
    {
        let bin = entry.path().join("bin");
        if let (Some(version), true) = (
            entry.file_name().to_str().and_then(|v| v.parse().ok()),
            bin.join("initdb").exists(),
        ) {
            found.push((version, bin));
        }
    }
    found.sort();
    if let Some((_, bin)) = found.pop() {
        return Ok(bin);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    match std::env::split_paths(&path).find(|folder| folder.join("initdb").exists()) {
        Some(folder) => Ok(folder),
        None => bail!(
            "PostgreSQL's server programs are missing; deploy/setup.sh --for test installs them"
        ),
    }
}

/// Uid and gid of an account.
pub fn account(name: &str) -> Result<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd")?;
    let line = users
        .lines()
        .find(|line| line.split(':').next() == Some(name));
    let line = line.with_context(|| format!("initdb refuses root and there is no user {name}"))?;
    let mut fields = line.split(':').skip(2);
    let mut number = || {
        fields
            .next()
            .and_then(|n| n.parse().ok())
            .context("/etc/passwd can't be read")
    };
    Ok((number()?, number()?))
}

/// Where Debian's libfaketime is.
pub fn faketime() -> Option<PathBuf> {
    let found = std::fs::read_dir("/usr/lib")
        .ok()?
        .flatten()
        .map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"));
    found
        .chain([PathBuf::from("/usr/lib/faketime/libfaketimeMT.so.1")])
        .find(|path| path.exists())
}

/// A port that is free now.
pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}

/// `NEUROLINK_TEST_PYTHON`, else the one deploy/setup.sh makes, else the system's.
pub fn python(root: &Path) -> PathBuf {
    if let Some(python) = std::env::var_os("NEUROLINK_TEST_PYTHON") {
        return python.into();
    }
    let venv = root.join("target/venv/bin/python");
    if venv.exists() {
        venv
    } else {
        "python3".into()
    }
}
