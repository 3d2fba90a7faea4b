//! Deaths: workers killed and frozen at the worst moment, orders to stop, a PostgreSQL that falls over. The real binary,
//! in processes of its own.

mod alarms;
mod kills;
mod poison;
mod restart;
mod sends;

use serde_json::json;
use tokio_postgres::Client;

use crate::support::app::{people, rule};
use crate::support::smtp::SmtpServer;

/// Everybody told of `a.*` in their inbox and, where `channels` say so, by mail: ali, nadia and the CFO.
async fn company(sql: &Client, channels: &[&str]) {
    people(sql).await;
    let told = json!({"title": "Event {{n}}", "channels": channels, "recipient_users": ["ali", "nadia", "cfo"]});
    rule(sql, "all", "a.*", &told).await;
}

/// Whether a statement of the product's waits for a lock.
const SOMEBODY_WAITS: &str = "select exists (select from pg_stat_activity
     where datname = current_database() and application_name = 'neurolink' and wait_event_type = 'Lock')";

/// Every event told each of three people exactly once, and every inbox agrees with its rows.
async fn exactly_once(sql: &Client, events: i64) {
    let question = "select (select count(*) from neurolink_event_outcomes where error is null), count(*), count(distinct (event_id, user_id)),
                           (select count(*) from neurolink_inbox_drift), (select sum(unread_count) from neurolink_inboxes)
                      from neurolink_notifications";
    let row = sql.query_one(question, &[]).await.unwrap();
    let seen: [i64; 5] = std::array::from_fn(|n| row.get(n));
    assert_eq!(
        seen,
        [events, 3 * events, 3 * events, 0, 3 * events],
        "outcomes, notifications, distinct ones, inboxes that drifted, unread"
    );
}

/// Settings for mails by this server.
fn mailing(smtp: &SmtpServer) -> Vec<(&'static str, String)> {
    [
        ("SMTP_ENABLED", "true".to_owned()),
        ("SMTP_HOST", "127.0.0.1".to_owned()),
        ("SMTP_PORT", smtp.port().to_string()),
        ("NEUROLINK_SMTP_SECURITY", "none".to_owned()),
        ("NEUROLINK_EMAIL_FROM", "erp@tsh.example".to_owned()),
    ]
    .into()
}

/// As the helpers take them.
fn borrowed<'a>(settings: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    settings.iter().map(|(n, v)| (*n, v.as_str())).collect()
}
