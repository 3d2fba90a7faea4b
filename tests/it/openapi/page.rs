//! `/openapi.json` and `/docs` as they are served.

use std::process::Stdio;

use http::Method;
use serde_json::Value;

use super::API;
use crate::support::TestDb;
use crate::support::app::App;
use crate::support::contract::contract;

#[tokio::test]
async fn the_document_is_served_packed_and_once() {
    let db = TestDb::new().await;
    let app = App::start_with(&db, API, &[]).await;
    let url = format!("{}/openapi.json", app.base);
    let plain = app.client.get(&url).send().await.unwrap();
    let tag = plain.headers()["etag"].clone();
    assert_eq!(plain.headers()["cache-control"], "no-cache");
    let served: Value = plain.json().await.unwrap();
    assert_eq!(&served, contract().document());
    assert_eq!(served["openapi"], "3.1.0");
    assert_eq!(served["info"]["version"], env!("CARGO_PKG_VERSION"));
    let ask = |name: &'static str, value: String| app.client.get(&url).header(name, value).send();
    let packed = ask("accept-encoding", "gzip".to_owned()).await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert_eq!(packed.headers()["etag"], tag);
    assert!(packed.bytes().await.unwrap().len() * 5 < served.to_string().len());
    let again = ask("if-none-match", tag.to_str().unwrap().to_owned());
    let again = again.await.unwrap();
    assert_eq!(again.status().as_u16(), 304);
    assert!(again.bytes().await.unwrap().is_empty());
    app.stop().await;
}

#[tokio::test]
async fn the_page_and_all_it_loads_are_this_servers_own() {
    let db = TestDb::new().await;
    let app = App::start_with(&db, API, &[]).await;
    let get = async |path: &str| {
        let answer = app.client.get(format!("{}{path}", app.base));
        answer.send().await.unwrap()
    };
    let page = get("/docs").await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'"));
    assert!(!policy.contains("unsafe"), "{policy}");
    let html = page.text().await.unwrap();
    let mut loaded = 0;
    for link in html.split(['"']).filter(|word| word.starts_with("docs/")) {
        let file = get(&format!("/{link}")).await;
        assert_eq!(file.status().as_u16(), 200, "{link}");
        assert!(file.bytes().await.unwrap().len() > 100, "{link}");
        loaded += 1;
    }
    assert_eq!(loaded, 3, "{html}");
    assert!(!html.contains("//"), "nothing of another server: {html}");
    for paper in ["LICENSE", "NOTICE"] {
        let text = get(&format!("/docs/{paper}")).await.text().await.unwrap();
        assert!(
            text.to_lowercase().contains("swagger") || text.contains("Apache"),
            "{text}"
        );
    }
    assert_eq!(get("/docs/other.js").await.status().as_u16(), 404);
    app.stop().await;
}

#[tokio::test]
async fn a_browser_of_another_origin_may_send_and_read_every_documented_header() {
    let db = TestDb::new().await;
    let origin = "https://erp.example";
    let app = App::start_with(&db, API, &[("NEUROLINK_CORS_ORIGINS", origin)]).await;
    let ask = async |method: Method, name: &'static str| {
        let request = app.client.request(method, format!("{}/health", app.base));
        let request = request.header("origin", origin);
        let request = request.header("access-control-request-method", "GET");
        let answer = request.send().await.unwrap();
        answer.headers()[name].to_str().unwrap().to_lowercase()
    };
    let may_send = ask(Method::OPTIONS, "access-control-allow-headers").await;
    let may_read = ask(Method::GET, "access-control-expose-headers").await;
    for (_, _, operation) in contract().operations() {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let parameter = contract().resolve(parameter);
            let name = parameter["name"].as_str().unwrap().to_lowercase();
            assert!(
                parameter["in"] != "header" || may_send.contains(&name),
                "{name}"
            );
        }
    }
    let headers = contract().document()["components"]["headers"].as_object();
    for name in headers.unwrap().keys() {
        assert!(may_read.contains(&name.to_lowercase()), "{name}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_browser_shows_every_area_and_breaks_no_policy() {
    let db = TestDb::new().await;
    let app = App::start_with(&db, API, &[]).await;
    let home = tempfile::tempdir().unwrap();
    let browser = std::env::var_os("NEUROLINK_TEST_CHROMIUM").unwrap_or("chromium".into());
    let output = tokio::process::Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ])
        .args([
            "--enable-logging=stderr",
            "--virtual-time-budget=15000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", home.path().display()))
        .arg(format!("{}/docs", app.base))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("no Chromium: run deploy/setup.sh --for test, or set NEUROLINK_TEST_CHROMIUM");
    let (dom, log) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let console: Vec<&str> = log.lines().filter(|l| l.contains("CONSOLE")).collect();
    assert!(console.is_empty(), "{console:#?}");
    for tag in contract().document()["tags"].as_array().unwrap() {
        let name = tag["name"].as_str().unwrap();
        let shown = dom.contains(&format!("operations-tag-{name}"));
        assert!(shown, "{name} isn't shown:\n{log}");
    }
    assert!(dom.contains("Authorize"), "a token can be given");
    app.stop().await;
}
