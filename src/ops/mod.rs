//! Looking after a running NeuroLink: the rules it starts with, who changed what, its numbers, and how fast it is here.

pub mod audit;
pub mod bench;
pub mod prometheus;
pub mod rollup;
pub mod series;
pub mod starter;
mod store;
pub mod summary;
