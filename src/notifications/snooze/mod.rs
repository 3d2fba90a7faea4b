//! What was put aside comes back. Comes in: notifications whose `snoozed_until` has passed, by the database's clock. Goes out: the
//! same, unread and unseen, with a revision of their own.

pub mod store;
