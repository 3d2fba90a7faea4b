//! What recipients wish for: which category on which channel, when not to be interrupted, what to be told together. Read with the
//! people of a batch, honoured at stations 5 and 6.
//! Law: what isn't said is on, at once and at any hour; pure functions decide; rules marked `mandatory` don't ask.

pub mod body;
pub mod hours;
pub mod model;
pub mod quiet;
pub mod routes;
pub mod schedule;
pub mod store;

pub use model::Wishes;
pub use schedule::{Digest, Schedule};
