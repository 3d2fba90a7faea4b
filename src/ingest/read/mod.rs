//! Events, read: pages of them and one with its outcome. Comes from `neurolink_events` and `neurolink_event_outcomes`, goes to
//! admins and auditors, by `GET /v1/events` and `GET /v1/events/{id}`. Law: no page walks more than a bounded stretch of the
//! table, since the table has no index but its keys.

pub mod filter;
pub mod model;
pub mod routes;
pub mod store;
