//! Who can be told: people, read through the view `neurolink_directory` and no other way, and the choice among them.
//! Law: the view is all it knows; who matches an audience is decided by a pure function.

pub mod model;
pub mod recipients;
pub mod store;

pub use model::{People, Person};
