//! Stations 3 and 7: jobs are claimed. The bell decides who sleeps and who is woken, presence who is alive, marks where a
//! claim starts, the worker when to claim again.
//! Law: claims and fences only; what a job means is known to `pipeline` alone.

pub mod bell;
pub mod lanes;
pub mod marks;
pub mod model;
pub mod presence;
pub mod store;
pub mod worker;

pub use bell::{Bell, BellHandle, Signals};
pub use model::{DeliveryJob, EventJob, Incarnation, Round, SingleJob, Source};
