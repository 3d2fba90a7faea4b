//! Station 1: events come in. An HTTP body is checked, idempotency applied, and the row stored by group commit.
//! (SQL's way in is the table itself and `neurolink_emit`.) Law: answers only after the commit.

mod handle;
mod ids;
mod lanes;
pub mod model;
pub mod parse;
pub mod read;
mod routes;
mod store;
pub mod types;
mod writer;

pub use handle::{OnCommit, WriterHandle};
pub use model::{Event, NewEvent, Stored};
pub use read::model::Outcome;
pub use routes::{OPENAPI, routes};
pub use types::EventTypes;
pub use writer::Writer;
