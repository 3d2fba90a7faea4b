//! Settings: read once at start from the environment (and `.env`), checked whole, every fault reported at once.
//! Law: this room alone reads the environment; everybody else is handed the types of `model`.
//!
//! `settings` is the one table of what can be set: loading, `neurolink config`, `README.md` beside this file and
//! `deploy/env.example` all come from it. On the way: `sources` (who says what) → `reader` (one setting, its parser, its
//! fault) → `load` (the groups, and what must hold between settings) → `model`.

mod addresses;
mod database_url;
pub mod docs;
pub mod inspect;
mod load;
mod model;
mod reader;
pub mod settings;
mod sources;
pub mod values;

pub use load::Needs;
pub use model::{
    Auth, Config, Database, Email, EmailTransport, Http, Log, SmtpSecurity, WakeMode, Worker,
};
pub use reader::SettingFault;
pub use sources::{Origin, Sources};
