//! The integration tests: one binary, since each costs a link of its own.

mod smtp;
mod support;
