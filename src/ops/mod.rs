//! Looking after a running NeuroLink: the rules it starts with, who changed what, and how fast it is here.

pub mod audit;
pub mod bench;
pub mod starter;
mod store;
