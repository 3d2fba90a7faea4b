//! schemathesis asks a node everything that the API's description allows, and much that it doesn't: no answer is a fault of ours
//! (5xx), and none is undocumented in status, media type, headers or body.

use crate::support::TestDb;
use crate::support::app::{App, WHOLE, people, rule};
use crate::support::contract::contract;
use crate::support::http::token;
use crate::support::python;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemathesis_finds_no_fault_of_ours_and_no_undocumented_answer() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let template = serde_json::json!({"title": "T", "recipient_users": ["chief"]});
    rule(&sql, "all", "*", &template).await;
    let app = App::start_with(&db, WHOLE, &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let hooks = std::fs::read_to_string(format!("{ROOT}/tests/openapi/hooks.py")).unwrap();
    std::fs::write(folder.path().join("hooks.py"), hooks).unwrap();
    let settings = std::fs::read_to_string(format!("{ROOT}/tests/openapi/schemathesis.toml"));
    std::fs::write(folder.path().join("schemathesis.toml"), settings.unwrap()).unwrap();
    let authorization = format!("Authorization: Bearer {}", token("chief", &["admin"]));
    let report = python::run(
        &[
            "-m",
            "schemathesis.cli",
            "run",
            &format!("{}/openapi.json", app.base),
            "--seed=1",
            "--max-examples=12",
            "--max-time=40",
            "--phases=examples,coverage,fuzzing,stateful",
            "--workers=1",
            "--continue-on-failure",
            "--request-timeout=30",
            "--generation-database=none",
            "--suppress-health-check=all",
            "--warnings=off",
            // A stream never ends, and this client waits for ends.
            "--exclude-operation-id=streamNotifications",
            // Bounds that a schema can't say (a cursor that was given out, a text that compiles) are no faults.
            "--exclude-checks=positive_data_acceptance",
            "-H",
            &authorization,
        ],
        folder.path(),
    )
    .await;
    // All but the stream and the document itself; it may have asked too little to know.
    let all = contract().operations().count() - 2;
    let tested = format!("Tested: {all}\n");
    assert!(report.contains(&tested), "{report}");
    let asked: u32 = report
        .lines()
        .find_map(|line| line.trim().split_once(" generated")?.0.parse().ok())
        .unwrap_or_default();
    assert!(asked > 1000, "{report}");
    app.stop().await;
}
