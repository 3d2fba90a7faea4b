//! PostgreSQL: the pool, dedicated connections, errors by meaning, the embedded default, migrations.
//! Law: every connection of the product is opened here; no room's own statement stands here.

pub mod errors;
mod pool;
mod tx;

pub use pool::{Client, Db, Session};
pub use tx::Tx;
