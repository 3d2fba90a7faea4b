//! How much of a batch each lane may take. Critical and normal may each fill one; bulk gets an eighth while they are
//! busy (so that it never starves) and all of it when they are not.

use crate::kernel::Lane;

/// How many jobs to claim per lane, most urgent first.
#[must_use]
pub fn quotas(batch: usize, urgent_busy: bool) -> [(Lane, i32); 3] {
    let whole = i32::try_from(batch.max(1)).unwrap_or(i32::MAX);
    let bulk = if urgent_busy {
        (whole / 8).max(1)
    } else {
        whole
    };
    [
        (Lane::Critical, whole),
        (Lane::Normal, whole),
        (Lane::Bulk, bulk),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bulk_keeps_an_eighth_while_others_are_busy_and_takes_all_when_they_are_not() {
        assert_eq!(quotas(500, true).map(|(_, n)| n), [500, 500, 62]);
        assert_eq!(quotas(500, false).map(|(_, n)| n), [500, 500, 500]);
        assert_eq!(quotas(1, true)[2].1, 1, "never nothing");
    }
}
