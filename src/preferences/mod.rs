//! What recipients wish for: which category on which channel. Read with the people of a batch, honoured at station 5.
//! Law: what isn't said is on; a pure function decides; rules marked `mandatory` don't ask.

pub mod model;
pub mod routes;
pub mod store;

pub use model::Wishes;
