//! `neurolink rules starter`: the rules that ship.

use serde_json::Value;

use super::{neurolink, text, told, versions};
use crate::support::TestDb;

#[tokio::test]
async fn starter_rules_are_put_in_by_name_once_and_what_was_changed_stays() {
    let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let (sql, path) = (db.client().await, folder.path());
    let out = told(&db, path, 0, &["starter", "--dry-run"]).await;
    assert!(out.contains("starter.invoice.overdue"), "{out}");
    assert!(out.ends_with("17 of 17 would be put in; nothing was written (--dry-run)\n"));
    assert_eq!(versions(&sql).await, []);
    let out = told(
        &db,
        path,
        0,
        &["starter", "--only", "invoice.*", "--only", "stock.low"],
    )
    .await;
    assert!(out.ends_with("5 of 5 put in\n"), "{out}");
    sql.batch_execute(
        "update neurolink_notification_rules set enabled = false where name = 'starter.stock.low'",
    )
    .await
    .unwrap();
    let out = told(&db, path, 0, &["starter", "--json"]).await;
    let out: Value = serde_json::from_str(&out).unwrap();
    let count = |what: &str| {
        out.as_array()
            .unwrap()
            .iter()
            .filter(|t| t["what"] == what)
            .count()
    };
    assert_eq!((count("new"), count("same"), count("changed")), (12, 4, 1));
    let before = versions(&sql).await;
    assert_eq!(before.len(), 17);
    assert!(before.contains(&("starter.stock.low".to_owned(), 2, false)));
    let out = told(&db, path, 0, &["starter"]).await;
    assert!(out.ends_with("nothing to put in\n"), "{out}");
    assert_eq!(versions(&sql).await, before);
    let wrong = neurolink(&db, path, &["starter", "--only", "invoice.lost"]).await;
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("no starter rule is about invoice.lost"));
}
