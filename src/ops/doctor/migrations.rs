//! Is the schema this binary's?

use serde_json::json;

use super::model::Finding;
use crate::db::migrate::State;
use crate::kernel::{Error, Result};

/// Whether what this binary asks of the schema is there, besides what is to be said.
pub(super) fn judge(state: &Result<State>) -> (bool, Vec<Finding>) {
    match state {
        Ok(State::UpToDate { .. }) => (true, Vec::new()),
        Ok(State::NewerSchema { schema, version }) => {
            let what = format!(
                "schema {schema} was migrated by the newer version {version}; this binary still fits"
            );
            let finding = Finding::note("schema_newer", what)
                .evidence(json!({"schema": schema, "schema_version": version, "binary_version": env!("CARGO_PKG_VERSION")}))
                .cure(format!("# install neurolink {version} here too"));
            (true, vec![finding])
        }
        Ok(State::Missing {
            schema,
            migrations,
            objects,
        }) => {
            let (code, what) = if migrations.is_empty() {
                (
                    "objects_old",
                    format!(
                        "functions, triggers, views or grants of schema {schema} are not those of this version"
                    ),
                )
            } else {
                (
                    "migrations_pending",
                    format!("schema {schema} is not migrated"),
                )
            };
            let finding = Finding::error(code, what)
                .evidence(
                    json!({"schema": schema, "pending": migrations, "objects_differ": objects}),
                )
                .cure("neurolink migrate --dry-run")
                .cure("neurolink migrate");
            (migrations.is_empty(), vec![finding])
        }
        Err(error) => (false, vec![unfit(error)]),
    }
}

fn unfit(error: &Error) -> Finding {
    Finding::error("schema_unfit", error.chain())
        .evidence(json!({"binary_version": env!("CARGO_PKG_VERSION")}))
        .cure(
            "select key, value from neurolink_meta where key in ('objects_version', 'min_binary');",
        )
        .cure("select version, name, applied_on from neurolink_schema_history order by version;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(migrations: &[&str]) -> Result<State> {
        Ok(State::Missing {
            schema: "erp".to_owned(),
            migrations: migrations.iter().map(ToString::to_string).collect(),
            objects: true,
        })
    }

    #[test]
    fn each_state_of_the_schema_has_its_finding() {
        let schema = || "erp".to_owned();
        let newer = State::NewerSchema {
            schema: schema(),
            version: "9.0.0".to_owned(),
        };
        for (state, usable, code) in [
            (Ok(State::UpToDate { schema: schema() }), true, None),
            (Ok(newer), true, Some("schema_newer")),
            (missing(&[]), true, Some("objects_old")),
            (
                missing(&["V0002__surface"]),
                false,
                Some("migrations_pending"),
            ),
            (Err(Error::broken("too new")), false, Some("schema_unfit")),
        ] {
            let (is_usable, findings) = judge(&state);
            assert_eq!(is_usable, usable, "{state:?}");
            assert_eq!(findings.first().map(|finding| finding.code), code);
        }
    }
}
