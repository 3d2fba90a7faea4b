//! The Python of the tests: `NEUROLINK_TEST_PYTHON`, else the one that `deploy/setup.sh --for test` makes, else the system's.

use std::path::{Path, PathBuf};

/// Where it is.
pub fn python() -> PathBuf {
    if let Some(python) = std::env::var_os("NEUROLINK_TEST_PYTHON") {
        return python.into();
    }
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venv/bin/python");
    if venv.exists() {
        venv
    } else {
        "python3".into()
    }
}

/// Runs it to its end. What it wrote; fails with all of it when it fails.
pub async fn run(args: &[&str], folder: &Path) -> String {
    let output = tokio::process::Command::new(python())
        .args(args)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("no_proxy", "*")
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("no Python: run deploy/setup.sh --for test, or set NEUROLINK_TEST_PYTHON");
    let text = format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        output.status.success(),
        "{args:?}: {}\n{text}",
        output.status
    );
    text
}
