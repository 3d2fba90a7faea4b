//! Protocols, checked exhaustively: small models of the wake, of leases and of inboxes, every interleaving of which is walked
//! through by a model checker. Each is shown to bite: with one step left out it must find the story that goes wrong.
//! What is modelled, what isn't and what was found: README.md here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod inbox;
mod lease;
mod support;
mod wake;
