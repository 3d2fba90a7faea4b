//! Build script: gathers sql/{functions,triggers,views,grants} into the list that `db::migrate` re-applies. Without it
//! cargo would not notice a new file in sql/, neither there nor among refinery's migrations.
#![allow(clippy::print_stdout)] // Cargo is spoken to on standard output.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

/// In the order they are applied: what triggers call must be there first, and grants name everything.
const FOLDERS: [&str; 4] = ["functions", "triggers", "views", "grants"];

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=sql");
    println!("cargo:rerun-if-changed=src/build.rs");
    let variable = |name: &str| env::var(name).map_err(io::Error::other);
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
    fs::write(Path::new(&variable("OUT_DIR")?).join("objects.rs"), code)
}
