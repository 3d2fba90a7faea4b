//! Does the listener hear? A pooler in transaction mode takes `LISTEN` without an error, and gives what is heard to nobody.

use serde_json::json;

use super::model::Finding;
use crate::config::{Config, WakeMode};
use crate::kernel::Result;

pub(super) fn judge(heard: &Result<bool>, config: &Config) -> Vec<Finding> {
    let of = if config.database.listen_url.is_some() {
        "NEUROLINK_LISTEN_DATABASE_URL"
    } else {
        "DATABASE_URL"
    };
    let finding = match heard {
        Ok(true) => return Vec::new(),
        Err(error) => Finding::error(
            "listener_unreachable",
            format!(
                "the connection that nodes listen on can't be made: {}",
                error.chain()
            ),
        ),
        Ok(false) => Finding::error(
            "listener_deaf",
            "a connection that listens hears nothing: a pooler (PgBouncer in transaction mode) stands between, and nodes are woken late",
        ),
    };
    vec![
        finding
            .evidence(json!({"address_of": of, "wake_mode": wake_mode(config), "waited_seconds": 2}))
            .cure("# a direct address for the listener and `migrate`: NEUROLINK_LISTEN_DATABASE_URL=postgresql://…:5432/…")
            .cure("# or, where there is none: NEUROLINK_WAKE_MODE=poll"),
    ]
}

fn wake_mode(config: &Config) -> &'static str {
    match config.worker.wake_mode {
        WakeMode::Gated => "gated",
        WakeMode::Always => "always",
        WakeMode::Poll => "poll",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Needs;
    use crate::kernel::Error;

    #[test]
    fn a_deaf_listener_is_an_error_that_names_the_address_it_uses() {
        let config = |name: &'static str| {
            let find = move |asked: &str| {
                (asked == name || asked == "DATABASE_URL").then(|| "postgresql://a@b/c".to_owned())
            };
            Config::load(Needs::Nothing, find).unwrap()
        };
        let pooled = config("DATABASE_URL");
        assert_eq!(judge(&Ok(true), &pooled), []);
        let found = judge(&Ok(false), &pooled).remove(0);
        assert_eq!(
            (found.code, &found.evidence["address_of"]),
            ("listener_deaf", &json!("DATABASE_URL"))
        );
        let away = Err(Error::unavailable("refused"));
        let direct = config("NEUROLINK_LISTEN_DATABASE_URL");
        let found = judge(&away, &direct).remove(0);
        assert_eq!(
            (found.code, &found.evidence["address_of"]),
            (
                "listener_unreachable",
                &json!("NEUROLINK_LISTEN_DATABASE_URL")
            )
        );
    }
}
