//! The integration tests: one binary, a database per test. `support` starts what they need.
// Helpers of tests are tests: clippy's own allowance covers only functions marked as such.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub
)]

mod access;
mod audit;
mod backtest;
mod bench;
mod cli;
mod deaths;
mod deliveries_api;
mod doctor;
mod embedded;
mod emit_cli;
mod event_types;
mod events_api;
mod generated_client;
mod grants;
mod health;
mod holds;
mod http;
mod inbox;
mod ingest;
mod ingest_trouble;
mod jsonlogic;
mod law;
mod line;
mod lists;
mod lists_walk;
mod metrics;
mod migrate;
mod mute;
mod openapi;
mod patrol;
mod people;
mod preferences;
mod preview;
mod queue;
mod queue_api;
mod queue_cli;
mod quiet_hours;
mod readme;
mod recipients;
mod removal;
mod replay;
mod rescue;
mod rollup;
mod rules_api;
mod rules_change;
mod rules_cli;
mod rules_cli_backtest;
mod schema;
mod schema_guards;
mod schemathesis;
mod smtp;
mod starter;
mod stats;
mod stream;
mod support;
mod tell;
mod tight;
mod time;
mod trace;
mod trials;
mod views;
mod watch;
mod way_in;
mod why;
