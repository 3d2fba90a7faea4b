//! Build script. It gathers sql/{functions,triggers,views,grants} into the list that `db::migrate` re-applies: without it cargo
//! would not notice a new file in sql/, neither there nor among refinery's migrations. And it takes Swagger UI, which `/docs`
//! shows, out of the archive that its crate is: no build needs npm or the network.
#![allow(clippy::print_stdout)] // Cargo is spoken to on standard output.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

/// In the order they are applied: what triggers call must be there first, and grants name everything.
const FOLDERS: [&str; 4] = ["functions", "triggers", "views", "grants"];

/// Of Swagger UI: what a browser needs, and what its licence asks to go along.
const SWAGGER_UI: [&str; 4] = [
    "dist/swagger-ui-bundle.js",
    "dist/swagger-ui.css",
    "LICENSE",
    "NOTICE",
];

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=sql");
    println!("cargo:rerun-if-changed=src/build.rs");
    let out = variable("OUT_DIR")?;
    gather_objects(Path::new(&out))?;
    let archive = utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
    unpack(archive, Path::new(&out))
        .unwrap_or_else(|| Err(io::Error::other("Swagger UI's archive is not what it was")))
}

fn gather_objects(out: &Path) -> io::Result<()> {
    let sql = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("sql");
    let mut code = String::from("[\n");
    for folder in FOLDERS {
        let mut files = fs::read_dir(sql.join(folder))?
            .map(|entry| entry.map(|e| e.path()))
            .collect::<io::Result<Vec<_>>>()?;
        files.retain(|path| path.extension().is_some_and(|e| e == "sql"));
        files.sort();
        for path in files {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            writeln!(
                code,
                "Object {{ path: {:?}, sql: include_str!({:?}) }},",
                format!("{folder}/{name}"),
                path
            )
            .map_err(io::Error::other)?;
        }
    }
    code.push(']');
    fs::write(out.join("objects.rs"), code)
}

/// Writes Swagger UI's files as gzip. A ZIP's entry is deflated already (or stored as it is) and has its checksum and length beside
/// it, which is all that a gzip has around the same bytes (PKWARE APPNOTE 4.3, RFC 1952). `None`: the archive is broken.
fn unpack(zip: &[u8], out: &Path) -> Option<io::Result<()>> {
    let two = |at: usize| {
        Some(usize::from(u16::from_le_bytes(
            zip.get(at..at + 2)?.try_into().ok()?,
        )))
    };
    let four =
        |at: usize| usize::try_from(u32::from_le_bytes(zip.get(at..at + 4)?.try_into().ok()?)).ok();
    let end = zip.windows(4).rposition(|w| w == b"PK\x05\x06")?;
    let (entries, mut at) = (two(end + 10)?, four(end + 16)?);
    let mut found = 0;
    for _ in 0..entries {
        let (method, packed, name) = (two(at + 10)?, four(at + 20)?, two(at + 28)?);
        let path = std::str::from_utf8(zip.get(at + 46..at + 46 + name)?).ok()?;
        // The first folder has the version in its name.
        let path = path.split_once('/')?.1;
        if SWAGGER_UI.contains(&path) {
            let local = four(at + 42)?;
            let data = local + 30 + two(local + 26)? + two(local + 28)?;
            let data = zip.get(data..data + packed)?;
            let mut gzip = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff".to_vec();
            match method {
                8 => gzip.extend_from_slice(data),
                // One last block, stored.
                0 => {
                    let length = u16::try_from(data.len()).ok()?;
                    gzip.push(1);
                    gzip.extend_from_slice(&length.to_le_bytes());
                    gzip.extend_from_slice(&(!length).to_le_bytes());
                    gzip.extend_from_slice(data);
                }
                _ => return None,
            }
            gzip.extend_from_slice(zip.get(at + 16..at + 20)?);
            gzip.extend_from_slice(zip.get(at + 24..at + 28)?);
            let name = path.rsplit('/').next()?;
            if let Err(error) = fs::write(out.join(format!("{name}.gz")), gzip) {
                return Some(Err(error));
            }
            found += 1;
        }
        at += 46 + name + two(at + 30)? + two(at + 32)?;
    }
    (found == SWAGGER_UI.len()).then_some(Ok(()))
}
