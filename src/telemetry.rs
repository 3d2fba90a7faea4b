//! Logs: readable sentences with dotted fields (`job.id`, `duration_ms`), as JSON lines or text, on standard error. From
//! `tracing` calls everywhere; never addresses, bodies or tokens.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::Log;
use crate::kernel::{Error, Result};

/// Begins to log. Once a process; standard output stays free for a command's own words.
///
/// # Errors
/// `Invalid` when the filter can't be understood, `Internal` when logging has begun already.
pub fn init(log: &Log) -> Result<()> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|error| {
        Error::invalid_at(
            "setting_invalid",
            "NEUROLINK_LOG",
            format!("NEUROLINK_LOG is `{}`: {error}", log.filter),
        )
    })?;
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let begun = if log.json {
        let json = layer.json().flatten_event(true).with_span_list(false);
        registry.with(json).try_init()
    } else {
        registry.with(layer.with_ansi(log.color)).try_init()
    };
    begun.map_err(|error| Error::internal("logging can't begin", error))?;
    log_panics();
    Ok(())
}

/// A panic is a fault of ours: it belongs in the log, in the log's form, with its place.
fn log_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let text = info.payload_as_str().unwrap_or("a panic without a message");
        tracing::error!(panic.place = %place, panic.message = %text, "a part of the program panicked");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_cant_be_understood_is_refused_by_name() {
        let log = Log {
            filter: "neurolink=loud".to_owned(),
            json: false,
            color: false,
        };
        let error = init(&log).unwrap_err();
        assert!(error.to_string().starts_with("NEUROLINK_LOG is"), "{error}");
    }
}
