//! Addresses, origins, mailboxes, paths: what they must look like, and how Redis's is shown. Pure.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::kernel::Secret;

/// An address and a port; `localhost` stands for 127.0.0.1.
pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    numeric.parse().map_err(|_| {
        "expected an address and a port, such as 127.0.0.1:8002, 0.0.0.0:8002 or [::]:8002"
            .to_owned()
    })
}

/// Origins, commas between: `https://erp.tsh.example,http://localhost:3000`.
pub(super) fn origins(text: &str) -> Result<Vec<String>, String> {
    text.split(',')
        .map(str::trim)
        .filter(|origin| !origin.is_empty())
        .map(|origin| {
            let origin = origin.to_ascii_lowercase();
            let uri = http_uri(&origin).filter(|uri| {
                // "https://x" parses with the path "/", so the text itself must end with the authority.
                uri.authority()
                    .is_some_and(|a| origin.ends_with(a.as_str()) && !a.as_str().contains('@'))
            });
            match uri {
                Some(_) => Ok(origin),
                None => Err("expected origins by name, such as https://erp.tsh.example, commas between; no paths and no *".to_owned()),
            }
        })
        .collect()
}

/// An http(s) address without query; the slash at its end is cut.
pub(super) fn web(text: &str) -> Result<String, String> {
    match http_uri(text) {
        Some(uri) if uri.query().is_none() && !text.contains('#') => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err("expected an address such as https://erp.tsh.example, without ? and #".to_owned()),
    }
}

fn http_uri(text: &str) -> Option<http::Uri> {
    let uri: http::Uri = text.parse().ok()?;
    let http = matches!(uri.scheme_str(), Some("http" | "https"));
    let host = uri.host().is_some_and(|host| !host.is_empty());
    (http && host).then_some(uri)
}

/// Redis's address.
pub(super) fn redis(text: &str) -> Result<Secret, String> {
    if text.starts_with("rediss://") || text.starts_with("valkeys://") {
        return Err(
            "TLS to Redis isn't built in; expected redis:// to a Redis nearby or through a tunnel"
                .to_owned(),
        );
    }
    // The driver's own error may quote the address, so it is not passed on.
    match redis::Client::open(text) {
        Ok(_) => Ok(Secret::new(text)),
        Err(_) => Err("expected redis://[user:password@]host:port/database".to_owned()),
    }
}

/// Redis's address without who logs in and without options.
pub(super) fn redis_shown(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return "***".to_owned();
    };
    // The last @, since a password may hold one; rather mask too much than too little.
    let (login, place) = match rest.rsplit_once('@') {
        Some((_, place)) => ("***@", place),
        None => ("", rest),
    };
    let place = place.split('?').next().unwrap_or_default();
    format!("{scheme}://{login}{place}")
}

/// `Name <address>` or an address.
pub(super) fn mailbox(text: &str) -> Result<String, String> {
    match text.parse::<lettre::message::Mailbox>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(
            "expected an address such as erp@tsh.example or TSH ERP <erp@tsh.example>".to_owned(),
        ),
    }
}

/// A host's name or address, without scheme, port or path.
pub(super) fn host(text: &str) -> Result<String, String> {
    let bare_ip = text.parse::<std::net::IpAddr>().is_ok();
    let name = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    if bare_ip || name {
        Ok(text.to_owned())
    } else {
        Err("expected a host's name or address alone, such as mail.tsh.example; the port is a setting of its own".to_owned())
    }
}

/// A path, made absolute so that it means the same whatever the folder we run in.
pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text.starts_with('~') {
        return Err("expected a path from / on: only a shell knows ~".to_owned());
    }
    std::path::absolute(text).map_err(|_| "expected a path".to_owned())
}

/// Where our files go by default.
pub(super) fn default_data_dir(root: bool, env: impl Fn(&str) -> Option<String>) -> PathBuf {
    let system = PathBuf::from("/var/lib/neurolink");
    if root {
        return system;
    }
    // The XDG rules: a relative path is as good as none.
    let absolute = |name: &str| {
        env(name)
            .map(PathBuf::from)
            .filter(|path: &PathBuf| path.is_absolute())
    };
    let data = absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home: PathBuf| home.join(Path::new(".local/share"))));
    data.map_or(system, |data| data.join("neurolink"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_needs_an_address_and_a_port() {
        assert_eq!(listen("localhost:8002"), listen("127.0.0.1:8002"));
        assert!(listen("[::]:8002").is_ok());
        assert!(listen("8002").is_err());
        assert!(listen("erp.tsh.example:8002").is_err());
    }

    #[test]
    fn origins_have_no_path_and_no_star() {
        assert_eq!(
            origins("https://ERP.tsh.example, http://localhost:3000"),
            Ok(vec![
                "https://erp.tsh.example".to_owned(),
                "http://localhost:3000".to_owned()
            ])
        );
        for bad in [
            "*",
            "https://erp.tsh.example/",
            "erp.tsh.example",
            "https://u@x",
        ] {
            assert!(origins(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_erps_address_loses_its_last_slash() {
        assert_eq!(
            web("https://erp.tsh.example/app/"),
            Ok("https://erp.tsh.example/app".to_owned())
        );
        for bad in ["ftp://x", "erp.tsh.example", "https://x?y", "https://x#y"] {
            assert!(web(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn redis_is_shown_without_its_password() {
        assert!(
            redis("redis://:p@ss@cache:6379/0").is_ok() || redis("redis://cache:6379/0").is_ok()
        );
        assert!(redis("http://cache").is_err());
        assert!(redis("rediss://cache").unwrap_err().contains("TLS"));
        assert_eq!(
            redis_shown("redis://u:hunter@2@cache:6379/0?x=hunter"),
            "redis://***@cache:6379/0"
        );
    }

    #[test]
    fn mailboxes_may_have_a_name_in_any_script() {
        assert!(mailbox("erp@tsh.example").is_ok());
        assert!(mailbox("TSH ERP <erp@tsh.example>").is_ok());
        assert!(mailbox("نظام الموارد <erp@tsh.example>").is_ok());
        assert!(mailbox("erp").is_err());
        assert!(mailbox("erp@tsh.example\r\nBcc: x@y").is_err());
    }

    #[test]
    fn a_host_is_not_an_address_with_a_port() {
        assert!(host("mail.tsh.example").is_ok());
        assert!(host("::1").is_ok());
        assert!(host("mail:25").is_err());
        assert!(host("smtp://mail").is_err());
    }

    #[test]
    fn the_data_folder_follows_root_and_xdg() {
        let env = |name: &str| match name {
            "HOME" => Some("/home/a".to_owned()),
            "XDG_DATA_HOME" => Some("relative".to_owned()),
            _ => None,
        };
        assert_eq!(default_data_dir(true, env), Path::new("/var/lib/neurolink"));
        assert_eq!(
            default_data_dir(false, env),
            Path::new("/home/a/.local/share/neurolink")
        );
        assert_eq!(
            default_data_dir(false, |_| None),
            Path::new("/var/lib/neurolink")
        );
        assert!(path("~/data").is_err());
        assert_eq!(path("/a/./b"), Ok(PathBuf::from("/a/b")));
    }
}
