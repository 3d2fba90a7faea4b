//! The way to the database: TLS, and what an operator is told when there is no way in, or nothing there. A stock Debian
//! server offers TLS with a certificate nobody has signed; a door of the test's own stands for it.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use neurolink::db::Db;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::support::TestDb;

/// A server's side of TLS, with a certificate that it has signed itself.
fn self_signed() -> tokio_rustls::TlsAcceptor {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ])
        .args([
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
            "-days",
            "2",
            "-subj",
            "/CN=somebody",
        ])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let certificate = CertificateDer::from_pem_file(folder.path().join("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.path().join("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Arc::new(config).into()
}

async fn serve(mut near: TcpStream, acceptor: tokio_rustls::TlsAcceptor, target: Config) {
    // SSLRequest is eight bytes long; S says yes (protocol-flow, "SSL Session Encryption").
    let mut asked = [0; 8];
    near.read_exact(&mut asked).await.unwrap();
    near.write_all(b"S").await.unwrap();
    // A client that refuses the certificate hangs up here.
    let Ok(mut near) = acceptor.accept(near).await else {
        return;
    };
    let port = target.get_ports().first().copied().unwrap_or(5432);
    let _ = match &target.get_hosts()[0] {
        Host::Unix(folder) => {
            let socket = folder.join(format!(".s.PGSQL.{port}"));
            let mut far = UnixStream::connect(socket).await.unwrap();
            copy_bidirectional(&mut near, &mut far).await
        }
        Host::Tcp(host) => {
            let mut far = TcpStream::connect((host.as_str(), port)).await.unwrap();
            copy_bidirectional(&mut near, &mut far).await
        }
    };
}

/// The way to `target` through TLS.
async fn behind_tls(target: &Config) -> Config {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = Config::new();
    config
        .host("127.0.0.1")
        .port(listener.local_addr().unwrap().port())
        .user(target.get_user().unwrap())
        .dbname(target.get_dbname().unwrap());
    if let Some(password) = target.get_password() {
        config.password(password);
    }
    let (acceptor, target) = (self_signed(), target.clone());
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            tokio::spawn(serve(near, acceptor.clone(), target.clone()));
        }
    });
    config
}

fn open(config: &Config) -> Db {
    Db::open(config.clone(), config.clone(), 5, Duration::from_secs(5)).unwrap()
}

#[tokio::test]
async fn a_certificate_nobody_has_signed_is_good_enough_unless_tls_was_asked_for() {
    let test = TestDb::empty().await;
    let mut config = behind_tls(&test.config()).await;
    let db = open(&config);
    db.client()
        .await
        .unwrap()
        .batch_execute("select 1")
        .await
        .unwrap();
    db.session().await.unwrap();

    config.ssl_mode(SslMode::Require);
    let db = open(&config);
    for refused in [
        db.client().await.map(|_| ()).unwrap_err(),
        db.session().await.map(|_| ()).unwrap_err(),
    ] {
        assert!(refused.is_transient());
        assert_eq!(refused.to_string(), "the database is out of reach");
        let why = refused.chain();
        assert!(
            why.contains("certificate"),
            "the operator is told why: {why}"
        );
    }
}

#[tokio::test]
async fn a_database_that_refuses_the_login_says_so() {
    let test = TestDb::empty().await;
    let mut config = test.config();
    config.dbname("no_such_database");
    let refused = open(&config).client().await.map(|_| ()).unwrap_err();
    let why = refused.chain();
    assert!(
        why.starts_with("the database refuses the login of DATABASE_URL"),
        "{why}"
    );
    assert!(why.contains("no_such_database"), "{why}");
}

#[tokio::test]
async fn a_standby_is_a_database_that_is_away_for_now() {
    let test = TestDb::empty().await;
    let client = open(&test.config()).client().await.unwrap();
    let standby = "set default_transaction_read_only = on";
    client.batch_execute(standby).await.unwrap();
    let refused = client.batch_execute("create table t ()").await.unwrap_err();
    let refused = neurolink::kernel::Error::from(refused);
    assert!(refused.is_transient(), "{}", refused.chain());
}

#[tokio::test]
async fn a_service_on_a_database_that_is_not_migrated_says_once_what_to_do() {
    let test = TestDb::empty().await;
    let out = tokio::process::Command::new(env!("CARGO_BIN_EXE_neurolink"))
        .env_clear()
        .env("DATABASE_URL", test.url())
        .env("JWT_SECRET_KEY", "a secret of more than thirty-two bytes")
        .env("NEUROLINK_LISTEN", "127.0.0.1:0")
        .args(["--env-file", "/dev/null", "serve"])
        .output()
        .await
        .unwrap();
    assert_eq!(out.status.code(), Some(2));
    let told = String::from_utf8(out.stderr).unwrap();
    assert!(told.contains("is not migrated: missing V1__line"), "{told}");
    assert_eq!(told.matches("neurolink migrate").count(), 1, "{told}");
}
