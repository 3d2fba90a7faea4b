//! The rule that the design and the README promise, word for word, from the `INSERT` to the mail.

use serde_json::json;

use super::{events, number, told};
use crate::support::TestDb;
use crate::support::app::{App, WHOLE, drained, people};

const RULE: &str = r##"
    INSERT INTO neurolink_notification_rules (name, source_module, event_type_pattern, notification_template, priority)
    VALUES ('invoice_overdue', 'invoicing', 'invoice.overdue', '{
      "title": "Invoice {{invoice_number}} is overdue",
      "body": "Invoice #{{invoice_number}} for {{customer_name}} is {{days_overdue}} days overdue. Amount: {{amount}} {{currency}}",
      "severity": "warning", "action_url": "/invoices/{{invoice_id}}", "action_label": "View Invoice",
      "channels": ["in_app", "email"], "recipient_roles": ["accountant", "finance_manager"] }'::jsonb, 100);"##;

#[tokio::test]
async fn the_rule_of_the_design_works_word_for_word_up_to_the_mail() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    sql.batch_execute(
        "insert into neurolink_users (id, email, roles, branch_ids) values ('fin', 'fin@tsh.example', '{finance_manager}', '{*}')",
    )
    .await
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        ("NEUROLINK_EMAIL_DIR", folder.path().to_str().unwrap()),
        ("NEUROLINK_EMAIL_FROM", "TSH <erp@tsh.example>"),
        ("NEUROLINK_ERP_URL", "https://erp.tsh.example"),
    ];
    let app = App::start_with(&db, WHOLE, &settings).await;
    sql.batch_execute(RULE).await.unwrap();

    let payload = json!({"invoice_id": "a/7", "invoice_number": "INV-7", "customer_name": "Gulf & Gate <Ltd>", "days_overdue": 12,
        "amount": 6_250_000, "currency": "IQD"});
    let ids = events(&sql, &json!([
        {"source_module": "invoicing", "event_type": "invoice.overdue", "payload": payload, "branch_id": "BGD"},
        {"source_module": "elsewhere", "event_type": "invoice.overdue", "payload": payload, "branch_id": "BGD"},
        {"source_module": "invoicing", "event_type": "invoice.overdue_again", "payload": payload, "branch_id": "BGD"},
    ]))
    .await;
    drained(&sql).await;

    assert_eq!(told(&sql, ids[0]).await, ["ali", "fin", "nadia"]);
    assert!(told(&sql, ids[1]).await.is_empty(), "another module");
    assert!(told(&sql, ids[2]).await.is_empty(), "another type");
    let inbox = app.get("/v1/notifications", "ali").await;
    let told = &inbox["items"][0];
    for (key, value) in [
        ("rule", "invoice_overdue"),
        ("source_module", "invoicing"),
        ("event_type", "invoice.overdue"),
        ("branch_id", "BGD"),
        ("category", "general"),
        ("severity", "warning"),
        ("title", "Invoice INV-7 is overdue"),
        (
            "body",
            "Invoice #INV-7 for Gulf & Gate <Ltd> is 12 days overdue. Amount: 6250000 IQD",
        ),
        ("action_url", "/invoices/a%2F7"),
        ("action_label", "View Invoice"),
    ] {
        assert_eq!(told[key], value, "{key}");
    }
    let by_channel = "select count(*) from neurolink_delivery_log where (channel, status) in (('in_app', 'delivered'), ('email', 'sent'))";
    assert_eq!(number(&sql, by_channel).await, 6);
    assert_eq!(
        number(&sql, "select count(*) from neurolink_delivery_log").await,
        6
    );
    let mails = std::fs::read_dir(folder.path())
        .unwrap()
        .filter(|file| {
            let name = file.as_ref().unwrap().file_name();
            name.to_string_lossy().ends_with(".eml")
        })
        .count();
    assert_eq!(mails, 3);
    app.stop().await;
}
