//! Looking after a running NeuroLink: the rules it starts with, what became of events and why, who changed what, and how fast it
//! is here.

pub mod audit;
pub mod bench;
pub mod event_types;
pub mod removal;
pub mod replay;
pub mod starter;
mod store;
pub mod trace;
pub mod why;
