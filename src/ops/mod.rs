//! Looking after a running NeuroLink: the rules it starts with, and how fast it is here.

pub mod bench;
pub mod starter;
mod store;
