//! Who can be told: people, read through the view `neurolink_directory` and no other way, and the choice among them.
//! Law: the view is all it reads; who matches an audience is decided by a pure function. `following/` keeps who follows what. Changes go to `neurolink_users`, and
//! are refused where the view is a DBA's own.

pub mod account;
pub mod following;
pub mod model;
pub mod recipients;
pub mod routes;
pub mod store;
pub mod wanted;

pub use model::{People, Person};
pub use recipients::Standing;
pub use wanted::Wanted;
