//! Tickets: a way into the stream for clients that can't set a header (`EventSource`). Asked for with a token, used once, within
//! half a minute, at any node. Law: a ticket is written nowhere, its hash is what is kept.

pub mod routes;
mod store;
