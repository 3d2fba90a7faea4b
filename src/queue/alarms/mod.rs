//! Jobs that something remembered has fallen due: claimed in a transaction like events, without their lanes' marks.

pub mod store;
