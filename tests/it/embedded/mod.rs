//! The embedded database: made, started, stopped, killed, shared, and closed to everybody else.

mod other;

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use neurolink::db::{Db, Embedded, migrate};
use tokio_postgres::{Client, NoTls};

use other::Other;

/// A data directory, below a folder that any account can pass through.
struct Home {
    _folder: tempfile::TempDir,
    data: PathBuf,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        Self {
            data: folder.path().join("data"),
            _folder: folder,
        }
    }
}

async fn connect(embedded: &Embedded) -> Client {
    let (client, connection) = embedded.config().connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn show(client: &Client, what: &str) -> String {
    client
        .query_one(&format!("select ({what})::text"), &[])
        .await
        .unwrap()
        .get(0)
}

fn postmaster(data: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(data.join("postgres/postmaster.pid")).ok()?;
    text.lines().next()?.trim().parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn data_survives_a_restart_and_nothing_is_left_running() {
    let home = Home::new();
    let embedded = Embedded::start(&home.data).await.unwrap();
    let db = Db::open(
        embedded.config(),
        embedded.config(),
        2,
        std::time::Duration::from_secs(30),
    )
    .unwrap();
    assert!(migrate::run(&db).await.unwrap().changed());
    let client = connect(&embedded).await;
    client
        .batch_execute("select neurolink_emit('sales', 'order.created', '{}')")
        .await
        .unwrap();
    db.close();
    let pid = postmaster(&home.data).unwrap();
    embedded.stop().await.unwrap();
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
    assert_eq!(postmaster(&home.data), None);

    let again = Embedded::start(&home.data).await.unwrap();
    let client = connect(&again).await;
    assert_eq!(
        show(&client, "select count(*) from neurolink_events").await,
        "1"
    );
    // As promised: durable, and in the right letters.
    for (setting, value) in [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("server_encoding", "UTF8"),
        ("listen_addresses", ""),
        ("password_encryption", "scram-sha-256"),
        ("unix_socket_permissions", "0700"),
    ] {
        assert_eq!(
            show(&client, &format!("current_setting('{setting}')")).await,
            value,
            "{setting}"
        );
    }
    let collate = "select datcollate from pg_database where datname = 'neurolink'";
    assert_eq!(show(&client, collate).await, "C.UTF-8");
    drop(client);
    again.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_holder_of_the_password_file_gets_in() {
    let home = Home::new();
    let embedded = Embedded::start(&home.data).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o7777;
    let data = mode(&home.data);
    assert_eq!(data & 0o027, 0, "the directory: {data:o}");
    assert_eq!(mode(&embedded.password_file()), 0o600);
    assert_eq!(mode(&home.data.join("postgres")), 0o700);
    assert_eq!(mode(embedded.socket_dir()), 0o700);

    // With it, as the log and the README say.
    let shell = Command::new("sh")
        .args(["-c", &format!("{} -Atc 'select 1'", embedded.psql())])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(shell.stdout).unwrap(), "1\n");
    for password in [Some("wrong"), None] {
        let mut config = embedded.config();
        let mut stranger = tokio_postgres::Config::new();
        stranger
            .host_path(embedded.socket_dir())
            .user("neurolink")
            .dbname("neurolink");
        if let Some(password) = password {
            config.password(password);
            assert!(config.connect(NoTls).await.is_err());
        } else {
            assert!(stranger.connect(NoTls).await.is_err());
        }
    }
    // Nobody else on this machine, tried for real where we may try.
    if rustix::process::geteuid().is_root() {
        use std::os::unix::process::CommandExt as _;
        for path in [
            home.data.clone(),
            home.data.join("pgpass"),
            home.data.join("postgres/PG_VERSION"),
            embedded.socket_dir().join(".s.PGSQL.5432"),
        ] {
            let looked = Command::new("ls")
                .arg(&path)
                .uid(65534)
                .gid(65534)
                .stderr(Stdio::null())
                .status()
                .unwrap();
            assert!(!looked.success(), "{}", path.display());
        }
        // And the server itself is not root.
        let server = format!("/proc/{}", postmaster(&home.data).unwrap());
        assert_ne!(std::fs::metadata(server).unwrap().uid(), 0);
    }
    embedded.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_kill_9_the_next_start_recovers() {
    let home = Home::new();
    let first = Other::start(&home.data, "serve", None);
    assert_eq!(first.now(), "running");
    // Joining gives a connection to the other process's server.
    let guest = Embedded::attach_or_start(&home.data).await.unwrap();
    assert!(!guest.is_owner());
    let client = connect(&guest).await;
    client
        .batch_execute("create table kept (n int); insert into kept values (7)")
        .await
        .unwrap();
    let server = format!("/proc/{}", postmaster(&home.data).unwrap());
    first.kill();
    if Path::new("/usr/bin/setpriv").exists() {
        // The server ends by itself: the kernel tells it that its parent is gone.
        let ends = async {
            while Path::new(&server).exists() {
                tokio::task::yield_now().await;
            }
        };
        let patience = std::time::Duration::from_secs(20);
        tokio::time::timeout(patience, ends).await.unwrap();
    }
    let again = Embedded::start(&home.data).await.unwrap();
    assert!(again.is_owner());
    let client = connect(&again).await;
    assert_eq!(show(&client, "select n from kept").await, "7");

    // The server itself killed with nobody to say goodbye: its own recovery.
    let pid = postmaster(&home.data).unwrap();
    client
        .batch_execute("insert into kept values (8)")
        .await
        .unwrap();
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    again.died().await;
    drop(again);
    let last = Embedded::start(&home.data).await.unwrap();
    let client = connect(&last).await;
    assert_eq!(show(&client, "select count(*) from kept").await, "2");
    drop(client);
    last.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_parent_is_stopped_before_a_new_one_starts() {
    let home = Home::new();
    let embedded = Embedded::start(&home.data).await.unwrap();
    connect(&embedded)
        .await
        .batch_execute("create table kept (n int)")
        .await
        .unwrap();
    embedded.stop().await.unwrap();
    // The same server as ours, but nobody's child, and deaf to the kernel's hint.
    let cluster = home.data.join("postgres");
    let owner = std::fs::metadata(&cluster).unwrap();
    let version = std::fs::read_to_string(cluster.join("PG_VERSION")).unwrap();
    let program = format!("/usr/lib/postgresql/{}/bin/postgres", version.trim());
    let mut command = Command::new(program);
    command.arg("-D").arg(&cluster).args([
        "-c",
        "listen_addresses=",
        "-c",
        &format!(
            "unix_socket_directories={}",
            home.data.join("socket").display()
        ),
    ]);
    {
        use std::os::unix::process::CommandExt as _;
        if rustix::process::geteuid().is_root() {
            command.uid(owner.uid()).gid(owner.gid());
        }
    }
    let mut orphan = command
        .current_dir("/")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while postmaster(&home.data) != Some(orphan.id()) {
        tokio::task::yield_now().await;
    }
    // Reaped here, as init would.
    let waiting = tokio::task::spawn_blocking(move || orphan.wait().unwrap());
    let again = Embedded::start(&home.data).await.unwrap();
    assert!(waiting.await.unwrap().success(), "it was stopped in order");
    let client = connect(&again).await;
    assert_eq!(show(&client, "select count(*) from kept").await, "0");
    drop(client);
    again.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_service_is_refused_and_a_command_joins() {
    let home = Home::new();
    let service = Embedded::start(&home.data).await.unwrap();
    let error = Embedded::start(&home.data).await.unwrap_err().to_string();
    assert!(
        error.contains("another neurolink") && error.contains(&std::process::id().to_string()),
        "{error}"
    );
    let second = Other::start(&home.data, "serve", None);
    assert!(
        second.now().starts_with("refused: another neurolink"),
        "{}",
        second.now()
    );
    second.stop();
    let command = Other::start(&home.data, "command", None);
    assert_eq!(command.now(), "joined");
    command.stop();
    // The service is none the worse for it.
    assert_eq!(show(&connect(&service).await, "select 1").await, "1");
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_alone_runs_the_database_and_waits_for_those_that_joined() {
    let home = Home::new();
    let first = Embedded::attach_or_start(&home.data).await.unwrap();
    assert!(first.is_owner());
    let second = Other::start(&home.data, "command", None);
    assert_eq!(second.now(), "joined");
    let third = Embedded::attach_or_start(&home.data).await.unwrap();
    let client = connect(&third).await;
    let mut stopping = tokio::spawn(first.stop());
    // A service wants it meanwhile: it waits for all.
    let starting = tokio::spawn({
        let data = home.data.clone();
        async move { Embedded::start(&data).await }
    });
    let patience = std::time::Duration::from_secs(2);
    let stopped = tokio::time::timeout(patience, &mut stopping).await;
    assert!(stopped.is_err(), "the other commands are still there");
    assert_eq!(show(&client, "select 1").await, "1");
    drop(client);
    third.stop().await.unwrap();
    second.stop();
    stopping.await.unwrap().unwrap();
    let service = starting.await.unwrap().unwrap();
    assert!(service.is_owner());
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_with_a_long_name_gets_its_socket_elsewhere() {
    let mut home = Home::new();
    home.data = home.data.join("a".repeat(60)).join("b".repeat(60));
    let embedded = Embedded::start(&home.data).await.unwrap();
    let socket = embedded.socket_dir().to_owned();
    assert!(!socket.starts_with(&home.data));
    assert_eq!(std::fs::metadata(&socket).unwrap().mode() & 0o777, 0o700);
    assert_eq!(show(&connect(&embedded).await, "select 1").await, "1");
    embedded.stop().await.unwrap();
    // The same one again.
    let again = Embedded::start(&home.data).await.unwrap();
    assert_eq!(again.socket_dir(), socket);
    again.stop().await.unwrap();
    std::fs::remove_dir_all(&socket).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_of_initdb_left_is_cleared_away() {
    let home = Home::new();
    std::fs::create_dir_all(home.data.join("postgres.new-crashed/data/base")).unwrap();
    let embedded = Embedded::start(&home.data).await.unwrap();
    embedded.stop().await.unwrap();
    let left: Vec<String> = std::fs::read_dir(&home.data)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|n| n.contains("new") || n.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_user_runs_it_and_root_may_join() {
    if !rustix::process::geteuid().is_root() {
        // Every other test here has then shown it.
        return;
    }
    let home = Home::new();
    std::fs::create_dir(&home.data).unwrap();
    std::os::unix::fs::chown(&home.data, Some(65534), Some(65534)).unwrap();
    let other = Other::start(&home.data, "serve", Some((65534, 65534)));
    assert_eq!(other.now(), "running");
    let joined = Embedded::attach_or_start(&home.data).await.unwrap();
    assert!(!joined.is_owner());
    assert_eq!(show(&connect(&joined).await, "select 1").await, "1");
    joined.stop().await.unwrap();
    other.stop();
    // Root starting it alone leaves nothing that the user can't use.
    let alone = Embedded::attach_or_start(&home.data).await.unwrap();
    assert!(alone.is_owner());
    let server = format!("/proc/{}", postmaster(&home.data).unwrap());
    assert_eq!(std::fs::metadata(server).unwrap().uid(), 65534);
    alone.stop().await.unwrap();
    let again = Other::start(&home.data, "serve", Some((65534, 65534)));
    assert_eq!(again.now(), "running");
    again.stop();
}
