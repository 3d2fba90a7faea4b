//! Stations 6, 8, 9: deliveries are planned, tried, recorded.
//! Law: a provider is called outside of any transaction, and an outcome is written only under its fence.

pub mod channels;
pub mod completer;
pub mod decide;
pub mod fit;
pub mod log;
pub mod model;
pub mod plan;
pub mod store;

pub use channels::email::EmailChannel;
pub use model::{Outgoing, Planned, Receipt, SendError};
