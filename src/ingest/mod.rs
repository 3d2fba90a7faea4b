//! Station 1: events come in. An HTTP body is checked, idempotency applied, and the row stored by group commit.
//! (SQL's way in is the table itself and `neurolink_emit`.) Law: answers only after the commit.

pub mod model;

pub use model::{Event, NewEvent};
