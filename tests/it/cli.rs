//! The command line as scripts and people meet it: the binary itself, its exit codes, what goes to which stream.

#![allow(clippy::unwrap_used)] // clippy knows tests by their attribute, not their helpers

use std::process::{Command, Output, Stdio};

const SECRET: &str = "a secret of more than thirty-two bytes";

/// The binary with these settings and no others: neither the environment of whoever runs the tests, nor their `.env`.
fn neurolink(settings: &[(&str, &str)], args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_neurolink"))
        .env_clear()
        .envs(settings.iter().copied())
        .current_dir(std::env::temp_dir())
        .args(["--env-file", "/dev/null"])
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_token_stands_alone_on_standard_output() {
    let out = neurolink(
        &[("JWT_SECRET_KEY", SECRET)],
        &[
            "token",
            "--sub",
            "17",
            "--roles",
            "accountant,auditor",
            "--branches",
            "*",
        ],
    );
    assert_eq!(out.status.code(), Some(0));
    let token = text(&out.stdout);
    assert_eq!(token.trim_end().split('.').count(), 3, "{token}");
    assert_eq!(token.lines().count(), 1, "{token}");
    assert_eq!(text(&out.stderr), "");
}

#[test]
fn a_token_without_a_secret_fails_with_a_clear_word_and_2() {
    let out = neurolink(&[], &["token", "--sub", "17"]);
    assert_eq!(out.status.code(), Some(2));
    assert_eq!(text(&out.stdout), "");
    assert!(text(&out.stderr).contains("JWT_SECRET_KEY is not set"));
}

#[test]
fn wrong_usage_exits_with_2_and_help_with_0() {
    assert_eq!(neurolink(&[], &["tokn"]).status.code(), Some(2));
    assert_eq!(neurolink(&[], &["token"]).status.code(), Some(2));
    let help = neurolink(&[], &["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("Exit codes:"));
}

#[test]
fn all_wrong_settings_are_told_at_once_on_standard_error_without_secrets() {
    let out = neurolink(
        &[
            ("DATABASE_URL", "mysql://erp:hunter2@db/erp"),
            ("JWT_SECRET_KEY", "hunter2"),
            ("NEUROLINK_LISTEN", "everywhere"),
            ("NEUROLINK_LISTN", "x"),
        ],
        &["config"],
    );
    assert_eq!(out.status.code(), Some(2));
    let (page, told) = (text(&out.stdout), text(&out.stderr));
    for name in [
        "DATABASE_URL can't be used",
        "JWT_SECRET_KEY can't",
        "NEUROLINK_LISTEN is `everywhere`",
    ] {
        assert!(told.contains(name), "{told}");
    }
    assert!(page.contains("did you mean NEUROLINK_LISTEN?"), "{page}");
    assert!(
        !page.contains("hunter2") && !told.contains("hunter2"),
        "{page}{told}"
    );
}

#[test]
fn settings_in_json_say_where_each_came_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("neurolink.env");
    std::fs::write(
        &file,
        "SMTP_HOST=mail.tsh.example\nNEUROLINK_LISTEN=127.0.0.1:1\n",
    )
    .unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_neurolink"))
        .env_clear()
        .env("NEUROLINK_LISTEN", "127.0.0.1:2")
        .args(["config", "--json", "--env-file"])
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let document: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let of = |name: &str| {
        let settings = document["settings"].as_array().unwrap();
        settings.iter().find(|s| s["name"] == name).unwrap().clone()
    };
    assert_eq!(of("NEUROLINK_LISTEN")["value"], "127.0.0.1:2");
    assert_eq!(of("NEUROLINK_LISTEN")["origin"], "environment");
    assert_eq!(of("SMTP_HOST")["origin"], "file");
    assert_eq!(of("SMTP_HOST")["file"], file.display().to_string());
    assert_eq!(of("NEUROLINK_BATCH_SIZE")["origin"], "default");
}

#[test]
fn a_file_of_settings_that_isnt_there_is_told_by_name() {
    let out = Command::new(env!("CARGO_BIN_EXE_neurolink"))
        .env_clear()
        .args(["config", "--env-file", "/nowhere/neurolink.env"])
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("/nowhere/neurolink.env can't be read"));
}

#[test]
fn colours_come_only_when_asked_for_off_a_terminal() {
    let plain = neurolink(&[], &["config"]);
    assert!(!text(&plain.stdout).contains('\u{1b}'));
    let painted = neurolink(&[("NO_COLOR", "1")], &["config", "--color", "always"]);
    assert!(text(&painted.stdout).contains('\u{1b}'));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_neurolink"))
        .env_clear()
        .args(["--env-file", "/dev/null", "config", "--example"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let out = child.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    assert_eq!(text(&out.stderr), "");
}
