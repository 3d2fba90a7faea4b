//! `DATABASE_URL` as people write it → as `tokio-postgres` reads it; and how it is shown without its password. Pure.
//!
//! The first product ran on SQLAlchemy and asyncpg, so its URLs are taken as they are: the `+asyncpg` in the scheme is
//! cut, `ssl=` becomes `sslmode=`, and options that only steer the Python driver are left out.

use tokio_postgres::config::{Host, SslMode};

use crate::kernel::Secret;

const RIGHT: &str = "expected postgresql://user:password@host:port/database, with special characters of the password percent-encoded";

/// Drivers SQLAlchemy names in the scheme.
const DRIVERS: &[&str] = &["asyncpg", "psycopg", "psycopg2"];

/// Options of asyncpg and SQLAlchemy that say nothing about the server.
const DRIVER_OPTIONS: &[&str] = &[
    "async_fallback",
    "command_timeout",
    "max_cached_statement_lifetime",
    "prepared_statement_cache_size",
    "prepared_statement_name_func",
    "statement_cache_size",
    "timeout",
];

/// libpq's options we can't honour; ignoring them silently could weaken what somebody asked for.
const UNSUPPORTED: &[&str] = &[
    "gssencmode",
    "krbsrvname",
    "passfile",
    "service",
    "sslcert",
    "sslcrl",
    "sslkey",
    "sslpassword",
    "sslrootcert",
];

/// The address as the driver reads it.
pub(super) fn normalize(text: &str) -> Result<Secret, String> {
    let normal = match text.split_once("://") {
        Some((scheme, rest)) => format!("postgresql://{}", options(check_scheme(scheme)?, rest)?),
        None if text.contains('=') => text.to_owned(),
        None => return Err(RIGHT.to_owned()),
    };
    // The driver's own error may quote a piece of the password, so it is not passed on.
    let config: tokio_postgres::Config = normal.parse().map_err(|_| RIGHT.to_owned())?;
    let unnamed = |host: &Host| matches!(host, Host::Tcp(name) if name.is_empty());
    if config.get_hosts().iter().any(unnamed)
        || (config.get_hosts().is_empty() && config.get_hostaddrs().is_empty())
    {
        return Err(format!("it names no host; {RIGHT}"));
    }
    Ok(Secret::new(normal))
}

/// Whether a Python driver is named.
fn check_scheme(scheme: &str) -> Result<bool, String> {
    let (base, driver) = match scheme.split_once('+') {
        Some((base, driver)) => (base, Some(driver)),
        None => (scheme, None),
    };
    match (base, driver) {
        ("postgres" | "postgresql", None) => Ok(false),
        ("postgres" | "postgresql", Some(driver)) if DRIVERS.contains(&driver) => Ok(true),
        _ => Err(RIGHT.to_owned()),
    }
}

/// Everything after the scheme, its options translated.
fn options(python: bool, rest: &str) -> Result<String, String> {
    // As the driver reads it: up to the first @ stands who logs in, whose password may hold a question mark.
    let login = rest.find('@').map_or(0, |at| at + 1);
    let Some(mark) = rest[login..].find('?').map(|mark| login + mark) else {
        return Ok(rest.to_owned());
    };
    let (place, query) = (&rest[..mark], &rest[mark + 1..]);
    let mut kept = Vec::new();
    for option in query.split('&').filter(|option| !option.is_empty()) {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        match key {
            "sslmode" => kept.push(format!("sslmode={}", ssl_mode(value)?)),
            "ssl" => kept.push(format!("sslmode={}", ssl_mode(value)?)),
            _ if python && DRIVER_OPTIONS.contains(&key) => {}
            _ if UNSUPPORTED.contains(&key) => {
                return Err(format!(
                    "the option {key} isn't supported; certificates are checked against the system's authorities"
                ));
            }
            _ => kept.push(option.to_owned()),
        }
    }
    Ok(if kept.is_empty() {
        place.to_owned()
    } else {
        format!("{place}?{}", kept.join("&"))
    })
}

/// Three modes are told apart (`db::tls`): `require` always checks certificate and name, which libpq calls
/// `verify-full`; `prefer` encrypts where the server can, and checks nothing.
fn ssl_mode(value: &str) -> Result<&'static str, String> {
    match value.to_ascii_lowercase().as_str() {
        "disable" | "false" => Ok("disable"),
        "allow" | "prefer" => Ok("prefer"),
        "require" | "verify-ca" | "verify-full" | "true" => Ok("require"),
        _ => Err("expected sslmode=disable, prefer, require or verify-full".to_owned()),
    }
}

/// The address without its password.
pub(super) fn shown(text: &str) -> String {
    let config: Option<tokio_postgres::Config> = normalize(text)
        .ok()
        .and_then(|normal| normal.expose().parse().ok());
    let Some(config) = config else {
        return "***".to_owned();
    };
    let mut address = String::from("postgresql://");
    if let Some(user) = config.get_user() {
        address.push_str(user);
        if config.get_password().is_some() {
            address.push_str(":***");
        }
        address.push('@');
    }
    let ports = config.get_ports();
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(index, host)| {
            let host = match host {
                Host::Tcp(name) => name.clone(),
                #[cfg(unix)]
                Host::Unix(folder) => folder.display().to_string(),
            };
            match ports.get(index).or(ports.first()) {
                Some(port) => format!("{host}:{port}"),
                None => host,
            }
        })
        .collect();
    address.push_str(&hosts.join(","));
    if let Some(database) = config.get_dbname() {
        address.push('/');
        address.push_str(database);
    }
    match config.get_ssl_mode() {
        SslMode::Disable => address.push_str("?sslmode=disable"),
        SslMode::Require => address.push_str("?sslmode=require"),
        _ => {}
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> String {
        normalize(text).unwrap().expose().to_owned()
    }

    #[test]
    fn the_first_products_addresses_are_taken_as_they_are() {
        assert_eq!(
            normal("postgresql+asyncpg://u:p%40@db:5432/erp"),
            "postgresql://u:p%40@db:5432/erp"
        );
        assert_eq!(
            normal("postgres+asyncpg://u@db/erp?ssl=require&prepared_statement_cache_size=0"),
            "postgresql://u@db/erp?sslmode=require"
        );
        assert_eq!(normal("postgres://u@db/erp"), "postgresql://u@db/erp");
        assert_eq!(
            normal("postgres://u:p?ssl=x@db/erp?ssl=true"),
            "postgresql://u:p?ssl=x@db/erp?sslmode=require"
        );
    }

    #[test]
    fn libpqs_ssl_modes_are_mapped_and_never_weakened() {
        assert_eq!(
            normal("postgres://u@db/erp?sslmode=verify-full"),
            "postgresql://u@db/erp?sslmode=require"
        );
        let right = normalize("postgres://u@db/erp?sslrootcert=/ca.pem").unwrap_err();
        assert!(right.contains("sslrootcert"), "{right}");
        assert!(normalize("postgres://u@db/erp?sslmode=maybe").is_err());
    }

    #[test]
    fn what_isnt_postgresql_is_refused_without_a_word_of_it() {
        for bad in [
            "mysql://u:hunter2@db/erp",
            "postgresql+hunter2://u:p@db/erp",
            "postgres://u:hunter2@db:notaport/erp",
            "postgres:///erp?password=hunter2",
            "hunter2",
            "hunter2=x",
        ] {
            let right = normalize(bad).unwrap_err();
            assert!(!right.contains("hun") && !right.contains("ter2"), "{right}");
        }
    }

    #[test]
    fn the_password_is_masked_wherever_it_stands() {
        assert_eq!(
            shown("postgresql+asyncpg://erp:hunter2@db:6432/erp?sslmode=require"),
            "postgresql://erp:***@db:6432/erp?sslmode=require"
        );
        assert_eq!(
            shown("host=/run/postgresql user=erp password=hunter2 dbname=erp"),
            "postgresql://erp:***@/run/postgresql/erp"
        );
        assert_eq!(
            shown("postgres://erp@db/erp?password=hunter2"),
            "postgresql://erp:***@db:5432/erp"
        );
        assert_eq!(shown("hunter2"), "***");
    }
}
