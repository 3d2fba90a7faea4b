//! Words and rules of the whole product: the vocabulary's types, errors by meaning, the strict reading of JSON, hours and schedules, addresses masked, the homes of time and randomness.
//! Law: no I/O, and no import from any other room.

pub mod backoff;
pub mod clock;
pub mod decode;
pub mod error;
pub mod hours;
pub mod json;
pub mod mask;
pub mod meters;
pub mod random;
pub mod schedule;
pub mod secret;
pub mod words;

pub use error::{Error, ItemFault, Result};
pub use schedule::Schedule;
pub use secret::Secret;
pub use words::{ChannelKind, Lane, Severity};
