//! What is of no use any more leaves the inbox by itself. Comes in: notifications whose `expires_at` has passed, by the database's
//! clock. Goes out: the same in the archive, with a revision of their own; what of them waits to be sent is cancelled.

pub mod store;
