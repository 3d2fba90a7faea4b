//! PostgreSQL: the pool, dedicated connections, errors by meaning, the embedded default, migrations.
//! Law: every connection of the product is opened here; no room's own statement stands here.

mod copy;
pub mod embedded;
pub mod errors;
pub mod migrate;
mod pool;
mod tls;
mod tx;

pub use copy::CopyRows;
pub use embedded::Embedded;
pub use pool::{Client, Db, Session};
pub use tx::Tx;
