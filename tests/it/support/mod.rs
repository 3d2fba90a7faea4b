//! What the tests stand on: a private PostgreSQL ([`cluster`]), a database per test ([`TestDb`]), a real SMTP server.

pub mod app;
pub mod client;
pub mod cluster;
pub mod contract;
mod database;
pub mod http;
pub mod inbox;
pub mod limited;
pub mod own;
pub mod process;
pub mod proxy;
pub mod python;
pub mod redis;
pub(crate) mod smtp;
pub mod sse;

pub use database::{TestDb, open};
