//! Do the watches of ERP tables work? A broken one never disturbs the ERP, and so nobody else would notice.

use serde_json::json;

use super::model::Finding;

/// Told one by one; the rest is a number.
const NAMED: usize = 10;

/// A watch that doesn't do what it says.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch {
    pub(super) name: String,
    pub(super) relation: String,
    pub(super) state: String,
    pub(super) detail: Option<String>,
    pub(super) failed_count: i64,
    /// What makes it anew.
    pub(super) definition: String,
    /// What switches its triggers on.
    pub(super) switched_off: Option<String>,
}

pub(super) fn judge(watches: &[Watch]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = watches.iter().take(NAMED).map(finding).collect();
    if watches.len() > NAMED {
        let more = watches.len() - NAMED;
        findings.push(
            Finding::error("watches_broken", format!("{more} more watches don't work"))
                .evidence(json!({"more": more}))
                .cure(
                    "select name, state, detail from neurolink_watch_health where state <> 'ok';",
                ),
        );
    }
    findings
}

fn finding(watch: &Watch) -> Finding {
    let Watch { name, relation, .. } = watch;
    let detail = watch.detail.as_deref().unwrap_or_default();
    let unwatch = format!("select neurolink_unwatch('{}');", name.replace('\'', "''"));
    let again = format!("{};", watch.definition);
    let of = |what: &str| format!("the watch {name} of {relation} makes no events: {what}");
    let found = match watch.state.as_str() {
        "table_gone" => Finding::warning(
            "watch_table_gone",
            format!("the watch {name} is of a table that is gone"),
        )
        .cure(unwatch),
        "column_gone" => Finding::error("watch_column_gone", of(detail))
            .cure("# say what it is to watch now (neurolink_watch with the same name), or take it away:")
            .cure(unwatch),
        "trigger_off" => {
            let on = watch.switched_off.as_deref().unwrap_or_default();
            Finding::error("watch_trigger_off", of(detail)).cure(format!("{on};"))
        }
        "trigger_gone" => Finding::error("watch_trigger_gone", of(detail)).cure(again),
        "key_gone" => Finding::error(
            "watch_key_gone",
            format!("the watch {name} of {relation} makes no events of updates: {detail}"),
        )
        .cure("# give the table a primary key, which the watch finds by itself; or take the watch away:")
        .cure(unwatch),
        _ => Finding::error(
            "watch_failing",
            format!("the watch {name} of {relation} has lost events, the last time that was counted because of: {detail}"),
        )
        .cure("# mend what it says, and make the watch anew:")
        .cure(again),
    };
    found.evidence(json!({
        "watch": name, "table": relation, "state": watch.state, "failed_count": watch.failed_count,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_its_code_and_a_cure_to_copy() {
        let watch = |state: &str| Watch {
            name: "o'hara".to_owned(),
            relation: "erp.invoices".to_owned(),
            state: state.to_owned(),
            detail: Some("it says".to_owned()),
            failed_count: 3,
            definition: "select neurolink_watch('erp.invoices')".to_owned(),
            switched_off: Some("alter table erp.invoices enable trigger t".to_owned()),
        };
        let cures = [
            ("table_gone", "select neurolink_unwatch('o''hara');"),
            ("column_gone", "select neurolink_unwatch('o''hara');"),
            ("trigger_off", "alter table erp.invoices enable trigger t;"),
            ("trigger_gone", "select neurolink_watch('erp.invoices');"),
            ("key_gone", "select neurolink_unwatch('o''hara');"),
            ("failing", "select neurolink_watch('erp.invoices');"),
        ];
        for (state, cure) in cures {
            let found = judge(&[watch(state)]);
            assert_eq!(found[0].code, format!("watch_{state}"));
            assert_eq!(found[0].cure.last().map(String::as_str), Some(cure));
        }
        let many = vec![watch("failing"); 12];
        assert_eq!(judge(&many).last().map(|f| f.code), Some("watches_broken"));
    }
}
