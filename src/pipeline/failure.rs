//! Why a batch failed, and whose fault that is. Comes from the stations, goes to `singles`, which sets apart what did it.

use crate::kernel::Error;

/// Why a batch failed, and whose fault it is if that is known.
#[derive(Debug)]
pub struct Failure {
    /// What happened.
    pub error: Error,
    /// The job whose event did it.
    pub culprit: Option<i64>,
    /// No event did it (the directory's view is broken): nothing is set apart or given up, however long it lasts.
    pub is_blameless: bool,
}

impl Failure {
    /// Nobody's fault.
    pub(super) fn blameless(error: Error) -> Self {
        Self {
            error,
            culprit: None,
            is_blameless: true,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            culprit: None,
            is_blameless: false,
        }
    }
}
