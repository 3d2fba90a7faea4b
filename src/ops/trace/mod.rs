//! What became of an event, as one tree: event → rules, with why or why not → recipients → notifications → deliveries → attempts.
//! Comes from what is stored, and from today's rules asked anew; goes to admins and auditors, by `GET /v1/events/{id}/trace`.
//! Law: bounded everywhere (rules, people of each, attempts of each), with the counts of what isn't shown.

pub mod judge;
pub mod model;
pub mod routes;
pub mod store;
pub mod tree;
