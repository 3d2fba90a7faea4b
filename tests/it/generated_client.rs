//! A client that a public generator makes from the API's description, and a program that knows nothing else of us.

use serde_json::{Value, json};

use crate::support::TestDb;
use crate::support::app::{App, people, rule};
use crate::support::http::token;
use crate::support::python;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generated_client_puts_an_event_in_and_reads_what_it_became() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let template = json!({"title": "{{invoice_number}} is overdue", "severity": "warning", "recipient_users": ["nadia"]});
    rule(&sql, "overdue", "invoice.overdue", &template).await;
    let app = App::start(&db).await;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let document = app.client.get(format!("{}/openapi.json", app.base));
    let document = document.send().await.unwrap().bytes().await.unwrap();
    std::fs::write(at("openapi.json"), &document).unwrap();
    // The document by the letter of OpenAPI 3.1, first.
    python::run(
        &["-m", "openapi_spec_validator", "openapi.json"],
        folder.path(),
    )
    .await;

    // No formatting of what nobody reads; and lines of JSON, which it doesn't know, are JSON to it.
    let settings =
        "post_hooks: []\ncontent_type_overrides: {application/x-ndjson: application/json}\n";
    std::fs::write(at("generator.yaml"), settings).unwrap();
    let made = python::run(
        &[
            "-m",
            "openapi_python_client",
            "generate",
            "--path=openapi.json",
            "--config=generator.yaml",
            "--meta=none",
            "--output-path=neurolink",
        ],
        folder.path(),
    )
    .await;
    // What it can't express it leaves out, and says so.
    assert!(!made.to_lowercase().contains("warning"), "{made}");

    let program = std::fs::read_to_string(format!("{ROOT}/tests/openapi/client.py")).unwrap();
    std::fs::write(at("program.py"), program).unwrap();
    let (producer, nadia) = (token("erp", &["producer"]), token("nadia", &[]));
    let args = ["program.py", &app.base, &producer, &nadia];
    let learned = python::run(&args, folder.path()).await;
    let learned: Value =
        serde_json::from_str(learned.trim()).unwrap_or_else(|e| panic!("{e}: {learned}"));
    assert_eq!(
        learned,
        json!({
            "created": [201, 200, true],
            "title": "INV-88101 is overdue",
            "severity": "warning",
            "was_unread": true,
            "is_read": true,
            "unread": 0,
            "refused": "forbidden",
            "missing": "not_found",
        })
    );
    app.stop().await;
}
