//! HTTP: our own accept loop around warp, one table of routes, bearer tokens, problems, strict bodies, paging.
//! Law: no room's endpoint stands here (but `/health`, which is the server's own), and nothing outside knows hyper.

mod asset;
pub mod auth;
pub mod body;
pub mod codes;
mod dispatch;
pub mod docs;
mod edge;
pub mod health;
mod meters;
pub mod openapi;
pub mod paging;
pub mod problem;
pub mod route;
pub mod server;
mod table;
pub mod version;

pub use auth::Authenticator;
pub use paging::{Listing, Page};
pub use route::{Access, Call, Principal, Response, Route, TICKET, json, no_content};
pub use server::{Patience, bind, serve, serve_metered};
