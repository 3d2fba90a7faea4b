//! What rules remember and wait for: `delay`, `dedupe_key`, `throttle`, `digest`, `escalate`, `resolves`, `expires_after`, and what
//! keeps a rule quiet: `shadow`, `storm_limit`. `read` takes them from a template, `model` is what they are, `states` is what is kept
//! between events (rows of `neurolink_rule_states`, read and written by `store`), each with its pure transitions.
//!
//! Law: whatever order events are evaluated in, as many are told by a throttle, the same stays open, and of two alike events one speaks
//! (which of a chain of them do depends on which came first). So everything is
//! reckoned by the time events *occurred*, facts about an entity are compared by (`occurred_at`, id), and a fact covers what is older
//! than itself also when that comes later.

pub mod gathered;
pub mod items;
pub mod ledger;
pub mod model;
mod moments;
pub mod plan;
pub(crate) mod read;
pub mod states;
pub mod store;
pub mod sweep;

pub use ledger::{Key, Ledger};
pub use model::Memory;
