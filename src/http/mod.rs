//! HTTP: our own accept loop around warp, one table of routes, bearer tokens, problems, strict bodies, paging.
//! Law: no room's endpoint stands here, and nothing outside knows hyper.

pub mod route;

pub use route::{Access, Call, Principal, Response, Route, json, no_content};
