//! The source as the laws see it: files with comments and tests taken away, the paths they import, the types a room shows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A file of `src/`.
pub struct Source {
    /// From the root of the checkout: `src/queue/store.rs`.
    pub path: String,
    /// The first folder, or the file's own name at the top.
    pub room: String,
    /// Without comments and tests.
    pub code: String,
}

/// The checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files below some folders with an extension: path from the root, text. In order.
pub fn files(folders: &[&str], extension: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).unwrap();
            open.extend(entries.map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|e| e == extension) {
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
            found.push((name.to_owned(), text));
        }
    }
    found.sort();
    assert!(!found.is_empty(), "nothing is read, so nothing is held");
    found
}

/// The statements.
pub fn queries() -> Vec<(String, String)> {
    files(&["sql/queries"], "sql")
}

/// What ships: no file of tests.
pub fn sources() -> Vec<Source> {
    files(&["src"], "rs")
        .into_iter()
        .filter(|(path, _)| !path.contains("/tests/") && !path.ends_with("tests.rs"))
        .map(|(path, text)| {
            let top = path.split('/').nth(1).unwrap_or_default();
            Source {
                room: top.trim_end_matches(".rs").to_owned(),
                code: code(&text),
                path,
            }
        })
        .collect()
}

/// The text without comments, and without the module of tests that ends it.
fn code(text: &str) -> String {
    let shipped = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or(text);
    let lines = shipped
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether the code calls one of these, however it is broken into lines.
pub fn calls(source: &Source, names: &[&str]) -> bool {
    let joined: String = source.code.lines().map(str::trim).collect();
    names
        .iter()
        .any(|name| joined.contains(&name.replace('\n', "")))
}

/// Every path into this crate that the code names, as its segments: `use crate::a::{b, c::D}` gives `a::b` and `a::c::D`. Where
/// a room is imported whole, its use in the code is followed: `use crate::a;` and `a::b()` give `a::b`.
pub fn imports(source: &Source) -> BTreeSet<Vec<String>> {
    let mut paths = BTreeSet::new();
    for (at, _) in source.code.match_indices("crate::") {
        // `$crate::` and `some_crate::` are something else.
        let before = source.code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        expand(&source.code[at + "crate::".len()..], &[], &mut paths);
    }
    let whole: Vec<String> = paths
        .iter()
        .filter(|path| path.len() == 1)
        .map(|path| path[0].clone())
        .collect();
    for room in whole {
        paths.remove(&vec![room.clone()]);
        let named = format!("{room}::");
        for (at, _) in source.code.match_indices(&named) {
            let before = source.code[..at].chars().next_back();
            if before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':') {
                expand(
                    &source.code[at + named.len()..],
                    std::slice::from_ref(&room),
                    &mut paths,
                );
            }
        }
    }
    paths
}

/// Reads a path or a tree of paths at the start of `text`. Gives how far it went.
fn expand(text: &str, before: &[String], paths: &mut BTreeSet<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        if rest.starts_with('{') {
            at += 1;
            loop {
                at += text[at..].len() - text[at..].trim_start_matches([' ', '\n', ',']).len();
                if text[at..].starts_with('}') || at >= text.len() {
                    return at + 1;
                }
                at += expand(&text[at..], &path, paths);
                // ` as name`
                let end = text[at..].find([',', '}']).unwrap_or(text.len() - at);
                at += end;
            }
        }
        let length = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        if length == 0 {
            paths.insert(path);
            return at;
        }
        let name = &rest[..length];
        at += length;
        if name != "self" {
            path.push(name.to_owned());
        }
        if text[at..].starts_with("::") {
            at += 2;
        } else {
            paths.insert(path);
            return at;
        }
    }
}

/// The types that a room's `mod.rs` shows.
pub fn types_of(room: &str) -> BTreeSet<String> {
    let path = root().join("src").join(room).join("mod.rs");
    let Ok(text) = std::fs::read_to_string(path) else {
        return BTreeSet::new();
    };
    let code = code(&text);
    let mut paths = BTreeSet::new();
    for (at, _) in code.match_indices("pub use ") {
        expand(&code[at + "pub use ".len()..], &[], &mut paths);
    }
    paths
        .into_iter()
        .filter_map(|path| path.last().cloned())
        .filter(|name| name.starts_with(char::is_uppercase))
        .collect()
}

#[test]
fn trees_of_paths_are_read_whole() {
    let source = Source {
        path: String::new(),
        room: String::new(),
        code: "use crate::a::{self, b::{C, D as E}, f};\nuse crate::{g, h::I};\nfn x() { g::j::k(); crate::l::m() }\nuse other_crate::n;"
            .to_owned(),
    };
    let found: Vec<String> = imports(&source)
        .iter()
        .map(|path| path.join("::"))
        .collect();
    assert_eq!(
        found,
        ["a::b::C", "a::b::D", "a::f", "g::j::k", "h::I", "l::m"]
    );
}
