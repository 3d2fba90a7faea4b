//! Another process: this test binary once more, running or joining the embedded database of a directory.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use neurolink::db::Embedded;

/// Another process that runs or joins the embedded database until its standard input ends, or until it is killed.
pub struct Other {
    child: Child,
    /// Held open: its end is the order to stop.
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    said: Vec<String>,
}

impl Other {
    pub fn start(data: &Path, how: &str, uid: Option<(u32, u32)>) -> Self {
        use std::os::unix::process::CommandExt as _;
        let mut program = std::env::current_exe().unwrap();
        if let Some((uid, gid)) = uid {
            // The other account may not be able to reach the build folder.
            let copy = data.with_file_name("neurolink-it");
            std::fs::copy(&program, &copy).unwrap();
            std::os::unix::fs::chown(&copy, Some(uid), Some(gid)).unwrap();
            program = copy;
        }
        let mut command = Command::new(program);
        command
            .args([
                "--exact",
                "embedded::other::another_process",
                "--ignored",
                "--nocapture",
            ])
            .env("NEUROLINK_IT_EMBEDDED", data)
            .env("NEUROLINK_IT_HOW", how)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some((uid, gid)) = uid {
            command.uid(uid).gid(gid);
        }
        let mut child = command.spawn().unwrap();
        let mut said = Vec::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        loop {
            let mut line = String::new();
            let bytes = stdout.read_line(&mut line).unwrap();
            let done = bytes == 0 || line.starts_with("now: ");
            said.push(line.trim_end().to_owned());
            if done {
                break;
            }
        }
        Self {
            stdin: child.stdin.take(),
            stdout,
            child,
            said,
        }
    }

    /// `running`, `joined`, or `refused: why`.
    pub fn now(&self) -> &str {
        self.said
            .last()
            .and_then(|l| l.strip_prefix("now: "))
            .unwrap_or_else(|| panic!("{:?}", self.said))
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn stop(mut self) {
        drop(self.stdin.take());
        // libtest's own words; a closed pipe would fail it.
        self.stdout.read_to_string(&mut String::new()).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the other process of the tests here; not a test by itself"]
async fn another_process() {
    let Some(data) = std::env::var_os("NEUROLINK_IT_EMBEDDED").map(PathBuf::from) else {
        return;
    };
    let started = match std::env::var("NEUROLINK_IT_HOW").unwrap().as_str() {
        "serve" => Embedded::start(&data).await,
        _ => Embedded::attach_or_start(&data).await,
    };
    match started {
        Err(error) => println!("now: refused: {}", error.chain()),
        Ok(embedded) => {
            let how = if embedded.is_owner() {
                "running"
            } else {
                "joined"
            };
            println!("now: {how}");
            std::io::stdout().flush().unwrap();
            tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()))
                .await
                .unwrap()
                .unwrap();
            embedded.stop().await.unwrap();
        }
    }
}
