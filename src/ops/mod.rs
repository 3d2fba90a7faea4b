//! Looking after a running NeuroLink: the rules it starts with, and who changed what.

pub mod audit;
pub mod starter;
