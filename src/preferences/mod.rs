//! What recipients wish for: which category on which channel, when not to be interrupted, what to be told together. Read with the
//! people of a batch, honoured at stations 5 and 6.
//! Law: what isn't said is on, at once and at any hour; pure functions decide; rules marked `mandatory` don't ask.

pub mod body;
pub mod digest;
pub mod model;
pub mod quiet;
pub mod routes;
pub mod store;

pub use digest::Digest;
pub use model::Wishes;
