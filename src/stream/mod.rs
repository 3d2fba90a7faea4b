//! Station 10: changes of inboxes reach whoever is connected. Hints say "look"; frames are read from the table.
//! Law: nothing is sent that wasn't read from the table, and nothing is skipped silently.

pub mod feed;
pub mod frames;
pub mod hints;
pub mod hub;
mod redis;
pub mod routes;
mod store;
pub mod ticket;

pub use self::redis::Redis;
pub use hub::Hub;
