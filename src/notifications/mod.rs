//! Station 5: inboxes.
