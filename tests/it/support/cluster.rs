//! One private PostgreSQL a checkout, shared by all test processes and left running between runs; `deploy/test-cluster.sh`
//! starts and stops it. With NEUROLINK_TEST_PG (a superuser's URL) that server is used instead.

use std::path::Path;
use std::process::Command;

use tokio::sync::OnceCell;
use tokio_postgres::{Client, Config, NoTls};

/// The server's URL, with its maintenance database.
pub async fn url() -> &'static str {
    static URL: OnceCell<String> = OnceCell::const_new();
    URL.get_or_init(|| async {
        if let Ok(url) = std::env::var("NEUROLINK_TEST_PG") {
            return url;
        }
        // Starting is cheap only once: most processes find what another has started.
        let known = Path::new(env!("CARGO_TARGET_TMPDIR")).join("test-cluster.url");
        if let Ok(url) = std::fs::read_to_string(&known)
            && try_connect(&url.trim().parse().unwrap()).await.is_ok()
        {
            return url.trim().to_owned();
        }
        start()
    })
    .await
}

/// Whether the server is ours alone, so that what old runs left on it may go.
pub fn is_private() -> bool {
    std::env::var_os("NEUROLINK_TEST_PG").is_none()
}

fn start() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // The folder cargo uses now, wherever that is: …/target/tmp lies in it.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let output = Command::new(root.join("deploy/test-cluster.sh"))
        .arg("start")
        .env("CARGO_TARGET_DIR", target)
        .output()
        .expect("deploy/test-cluster.sh runs");
    assert!(
        output.status.success(),
        "no PostgreSQL for the tests: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A connection whose notices and errors go nowhere.
pub async fn try_connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// A connection to the maintenance database.
pub async fn admin() -> Client {
    try_connect(&url().await.parse().unwrap())
        .await
        .expect("the test server takes connections")
}
