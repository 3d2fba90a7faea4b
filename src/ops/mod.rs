//! Looking after a running NeuroLink: the rules it starts with.

pub mod starter;
mod store;
