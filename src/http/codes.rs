//! The codes of problems, as data: the table of `README.md` in this folder, which people read, is what the OpenAPI document is
//! made from too. So there is one list, and it can't say two things.

use std::collections::BTreeMap;

use crate::kernel::{Error, Result};

const README: &str = include_str!("README.md");

/// What stands behind a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The status that it is answered with.
    pub status: u16,
    /// What it means, in Markdown.
    pub means: &'static str,
}

/// The codes that go over HTTP.
///
/// # Errors
/// When the table can't be read: a fault of ours.
pub fn codes() -> Result<BTreeMap<&'static str, Code>> {
    let mut codes = BTreeMap::new();
    for line in README.lines() {
        // | `code` | status | means |; the table of codes that never go over HTTP has two columns.
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [code, status, means] = cells.as_slice() else {
            continue;
        };
        let Some(code) = code.strip_prefix('`').and_then(|c| c.strip_suffix('`')) else {
            continue;
        };
        let status = status
            .parse()
            .map_err(|e| Error::internal(format!("the status of `{code}` is no number"), e))?;
        if codes.insert(code, Code { status, means }).is_some() {
            return Err(Error::broken(format!("`{code}` stands in the table twice")));
        }
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readmes_table_is_read_with_every_status_and_meaning() {
        let codes = codes().unwrap();
        assert!(codes.len() > 30, "{codes:?}");
        assert_eq!(codes["invalid_json"].status, 400);
        assert_eq!(codes["invalid_json"].means, "the body is no JSON");
        assert_eq!(codes["unavailable"].status, 503);
        assert!(
            !codes.contains_key("setting_missing"),
            "it never goes over HTTP"
        );
        for (code, Code { status, means }) in codes {
            let error = http::StatusCode::from_u16(status).unwrap();
            assert!(
                error.is_client_error() || error.is_server_error(),
                "{code}: {status}"
            );
            assert!(!means.is_empty(), "{code}");
        }
    }
}
