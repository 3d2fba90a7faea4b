//! What the tests stand on: a private PostgreSQL ([`cluster`]) and a database per test ([`TestDb`]).

pub mod cluster;
mod database;

pub use database::{TestDb, open};
