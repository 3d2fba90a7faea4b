//! Looking after a running NeuroLink: the rules it starts with, what became of events and why, who changed what, its numbers,
//! and how fast it is here.

pub mod audit;
pub mod bench;
pub mod catalog;
pub mod doctor;
pub mod event_types;
pub mod prometheus;
pub mod removal;
pub mod replay;
pub mod rollup;
pub mod series;
pub mod starter;
mod store;
pub mod summary;
pub mod tell;
pub mod trace;
pub mod trial;
pub mod why;
