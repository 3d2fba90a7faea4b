//! Station 5: one thing told to one recipient. The pipeline writes notifications here; inboxes are read and changed here.
//! Law: whatever changes an inbox takes its revisions from the inbox's row, in its own transaction.

pub mod cursor;
pub mod due;
pub mod expiry;
pub mod inbox;
pub mod model;
pub mod new;
pub mod resolve;
pub mod routes;
pub mod snooze;
pub mod store;

pub use cursor::Cursor;
pub use inbox::Inboxes;
pub use model::{Change, InboxState, Notification};
pub use new::NewNotification;
