//! Station 4: event × compiled rules → matches. Compiling (patterns, JSONLogic, Handlebars), evaluating, rendering.
//! Law: pure. No I/O, no clock of its own, and a broken rule harms nothing but itself.

pub mod model;
pub mod set;
pub mod store;

pub use model::{Audience, Fault, Match, Reader, Rendered, RuleRow, Warning};
pub use set::RuleSet;
