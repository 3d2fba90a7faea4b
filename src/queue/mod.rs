//! Stations 3 and 7: jobs are claimed. The bell decides who sleeps and who is woken, presence who is alive, marks where a
//! claim starts, the worker when to claim again. README.md has the protocol, the locks and the operator's statements.
//! Law: claims and fences only; what a job means is known to `pipeline` alone.

pub mod alarms;
pub mod bell;
pub mod control;
pub mod handle;
pub mod lanes;
pub mod marks;
pub mod model;
pub mod peers;
pub mod presence;
pub mod store;
pub mod sweep;
pub mod worker;

pub use bell::{Bell, Signals};
pub use handle::BellHandle;
pub use model::{DeliveryJob, EventJob, Incarnation, Round, SingleJob, Source};
