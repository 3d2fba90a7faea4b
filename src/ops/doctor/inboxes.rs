//! Do inboxes' counts agree with their rows? Of those told last.

use serde_json::json;

use super::model::Finding;

/// An inbox whose counts have come apart from its rows.
#[derive(Debug, Clone)]
pub(super) struct Drift {
    pub(super) user_id: String,
    pub(super) unread_count: i64,
    pub(super) unread: i64,
    pub(super) unseen_count: i64,
    pub(super) unseen: i64,
}

pub(super) fn judge(drifted: &[Drift]) -> Vec<Finding> {
    drifted
        .iter()
        .map(|drift| {
            Finding::warning(
                "inbox_drifted",
                format!(
                    "the inbox of {} counts {} unread and {} unseen, and holds {} and {}",
                    drift.user_id, drift.unread_count, drift.unseen_count, drift.unread, drift.unseen
                ),
            )
            .evidence(json!({
                "user_id": drift.user_id, "unread_count": drift.unread_count, "unread": drift.unread,
                "unseen_count": drift.unseen_count, "unseen": drift.unseen,
            }))
            .cure(format!(
                "select neurolink_recount_inbox('{}');",
                drift.user_id.replace('\'', "''")
            ))
            .cure("select * from neurolink_inbox_drift;   -- whether others have come apart; reads every notification")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cure_can_be_copied_whatever_the_person_is_called() {
        let found = judge(&[Drift {
            user_id: "o'brien".to_owned(),
            unread_count: 0,
            unread: 3,
            unseen_count: 1,
            unseen: 3,
        }]);
        assert_eq!(
            found[0].cure[0],
            "select neurolink_recount_inbox('o''brien');"
        );
        assert_eq!(found[0].evidence["unread"], 3);
        assert_eq!(judge(&[]), []);
    }
}
