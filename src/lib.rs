//! TSH NeuroLink: business events of the ERP in, notifications for the right people out.
//!
//! `src/README.md` is the map, `pipeline.rs` the story. Law of imports (held by a test): rooms use `kernel`, `config`,
//! `db`, `http`, and the types (`model`) of rooms to their left on the line; only `app`, `pipeline` and `cli` see all.

pub mod app;
pub mod cli;
pub mod config;
pub mod db;
pub mod deliveries;
pub mod directory;
pub mod http;
pub mod ingest;
pub mod kernel;
pub mod notifications;
pub mod ops;
pub mod pipeline;
pub mod preferences;
pub mod queue;
pub mod rules;
pub mod stream;
pub mod telemetry;
