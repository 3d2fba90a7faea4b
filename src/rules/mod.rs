//! Station 4: event × compiled rules → matches. Compiling (patterns, JSONLogic, Handlebars), evaluating, rendering.
//! Law: pure but for its stores and routes. No clock of its own, and a broken rule harms nothing but itself.
//!
//! `README.md` beside this file is the reference of what a rule can say. Reading order: `set` (the whole), `definition`
//! (the template's keys), `conditions`, then the way of a text: `scan` → `lower` → `template` → `render` → `write`.

mod anatomy;
mod audience;
mod audience_keys;
mod bidi;
mod blame;
mod budget;
mod calendar;
mod calls;
mod check;
mod conditions;
mod currency;
mod dates;
mod decimal;
mod definition;
pub mod diff;
pub mod draft;
mod facts;
pub mod held;
mod helpers;
mod html;
mod inquiry;
mod keys;
mod language;
pub mod limits;
mod locale;
mod lower;
mod meant;
pub mod memory;
pub mod model;
mod operators;
mod pattern;
mod payload;
mod reach;
mod reads;
mod relative;
mod render;
pub mod routes;
pub mod saved;
mod scan;
pub mod set;
mod setting;
pub mod shadow;
mod speak;
pub mod store;
mod suggest;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod url;
mod whence;
mod world;
mod write;

pub use anatomy::{Part, Variable};
pub use check::check;
pub use draft::Draft;
pub use inquiry::{FailingPart, Finding, Further};
pub use memory::Memory;
pub use memory::model::Unless;
pub use model::{Audience, Entity, Fault, Match, Reader, Rendered, RuleRow, Warning};
pub use pattern::concerns;
pub use reach::Known;
pub use saved::{Saved, Version};
pub use set::RuleSet;
pub use whence::Named;
