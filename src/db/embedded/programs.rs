//! Finding installed PostgreSQL server programs: the major version of an existing cluster, else the newest from 14 on.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::kernel::{Error, Result};

/// The oldest version that will do.
const OLDEST: u32 = 14;

/// One installed set of server programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Programs {
    /// The folder of `postgres` and `initdb`.
    pub(super) bin: PathBuf,
    /// The major version.
    pub(super) major: u32,
}

/// The programs to run a cluster of the version `cluster` with, or to make a new one with.
pub(super) fn find(cluster: Option<u32>) -> Result<Programs> {
    choose(installed(&folders()), cluster)
}

fn choose(mut found: Vec<Programs>, cluster: Option<u32>) -> Result<Programs> {
    found.sort_by_key(|p| p.major);
    let names = || {
        if found.is_empty() {
            "none was found".to_owned()
        } else {
            let list: Vec<String> = found.iter().map(|p| p.major.to_string()).collect();
            format!("found: {}", list.join(", "))
        }
    };
    match cluster {
        Some(major) => found
            .iter()
            .find(|p| p.major == major)
            .cloned()
            .ok_or_else(|| {
                Error::broken(format!(
                    "the embedded database was made by PostgreSQL {major}, whose server programs are not installed \
                     ({}); install them (Debian: apt install postgresql-{major}), or move the data to another version \
                     with pg_upgrade",
                    names()
                ))
            }),
        None => found
            .last()
            .filter(|p| p.major >= OLDEST)
            .cloned()
            .ok_or_else(|| {
                Error::broken(format!(
                    "the embedded database needs PostgreSQL's server programs, version {OLDEST} or newer ({}); install \
                     them (Debian and Ubuntu: apt install postgresql; Fedora: dnf install postgresql-server; macOS: \
                     brew install postgresql), or set DATABASE_URL to a server of yours",
                    names()
                ))
            }),
    }
}

/// Folders that may hold server programs. PATH comes first, so that whoever puts a version there gets it.
fn folders() -> Vec<PathBuf> {
    // Not a setting of ours: the system's own way to say where programs are.
    let mut folders: Vec<PathBuf> =
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
            .filter(|p| p.is_absolute())
            .collect();
    let each = |parent: &str, prefix: &str, below: &str| {
        let mut found: Vec<PathBuf> = std::fs::read_dir(parent)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|e| e.file_name().to_string_lossy().starts_with(prefix))
            .map(|e| e.path().join(below))
            .collect();
        found.sort();
        found
    };
    folders.extend(each("/usr/lib/postgresql", "", "bin")); // Debian, Ubuntu
    folders.extend(each("/usr", "pgsql-", "bin")); // PGDG on Fedora, RHEL
    folders.extend(each("/usr/libexec", "postgresql", "")); // Alpine
    folders.extend(each("/opt/homebrew/opt", "postgresql", "bin")); // macOS
    folders.extend(each("/usr/local/opt", "postgresql", "bin"));
    folders.extend(each("/Library/PostgreSQL", "", "bin"));
    folders.push("/usr/local/pgsql/bin".into()); // from source
    folders
}

/// The first set of each version.
fn installed(folders: &[PathBuf]) -> Vec<Programs> {
    let mut found: Vec<Programs> = Vec::new();
    for bin in folders {
        if !bin.join("postgres").is_file() || !bin.join("initdb").is_file() {
            continue;
        }
        if let Some(major) = version_of(&bin.join("postgres"))
            && !found.iter().any(|p| p.major == major)
        {
            found.push(Programs {
                bin: bin.clone(),
                major,
            });
        }
    }
    found
}

fn version_of(postgres: &Path) -> Option<u32> {
    let output = Command::new(postgres)
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` → 15; `… 18beta1` → 18.
fn parse_version(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("(PostgreSQL) ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(majors: &[u32]) -> Vec<Programs> {
        majors
            .iter()
            .map(|&major| Programs {
                bin: format!("/p/{major}").into(),
                major,
            })
            .collect()
    }

    #[test]
    fn versions_are_read_from_what_the_program_says() {
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        assert_eq!(parse_version(debian), Some(15));
        assert_eq!(parse_version("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(parse_version("something else"), None);
    }

    #[test]
    fn a_new_cluster_gets_the_newest_and_an_old_one_its_own() {
        assert_eq!(choose(of(&[16, 9, 15]), None).unwrap().major, 16);
        assert_eq!(choose(of(&[16, 15]), Some(15)).unwrap().major, 15);
    }

    #[test]
    fn what_is_missing_is_named() {
        let none = choose(of(&[]), None).unwrap_err().to_string();
        assert!(none.contains("apt install postgresql"), "{none}");
        let old = choose(of(&[13]), None).unwrap_err().to_string();
        assert!(old.contains("found: 13"), "{old}");
        let other = choose(of(&[15]), Some(14)).unwrap_err().to_string();
        assert!(
            other.contains("postgresql-14") && other.contains("found: 15"),
            "{other}"
        );
    }
}
