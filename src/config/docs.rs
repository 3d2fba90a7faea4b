//! The documents printed from the table: the reference in this folder's `README.md`, and `deploy/env.example`.
//! `neurolink config --reference` and `--example` print them; a test holds the files against them.

use crate::config::settings::{Fallback, GROUPS, Setting, Shown};

/// A table in Markdown per group.
#[must_use]
pub fn reference() -> String {
    let mut text = String::new();
    for group in GROUPS {
        text.push_str(&format!(
            "### {}\n\n| variable | value | default | what it is for |\n|---|---|---|---|\n",
            group.title
        ));
        for setting in group.settings {
            let default = match setting.fallback {
                Fallback::Value(value) => format!("`{value}`"),
                Fallback::Told(words) => words.to_owned(),
            };
            text.push_str(&format!(
                "| `{}` | {} | {default} | {} |\n",
                setting.name, setting.kind, setting.about
            ));
        }
        text.push('\n');
    }
    text
}

const HEAD: &str = "\
# Settings of TSH NeuroLink, all of them, each with its default or an example.
# Copy to /etc/neurolink/neurolink.env (systemd) or .env (by hand), mode 0600, and take the # away where you set one.
# The real environment wins over .env; an empty value counts as not set. `neurolink config` shows what is in force.
# Put a value with spaces, # or $ between single quotes.
";

/// An environment file with every setting as a comment.
#[must_use]
pub fn example() -> String {
    let mut text = HEAD.to_owned();
    for group in GROUPS {
        text.push_str(&format!("\n# --- {} ---\n", group.title));
        for setting in group.settings {
            text.push_str(&entry(setting));
        }
    }
    text
}

fn entry(setting: &Setting) -> String {
    let default = match setting.fallback {
        Fallback::Value(_) => String::new(),
        Fallback::Told(words) => format!(" Default: {words}."),
    };
    let value = match setting.example {
        "" if setting.shown == Shown::Masked => "",
        text if text.contains([' ', '<', '#', '$']) => &format!("'{text}'"),
        text => text,
    };
    format!(
        "\n# {} ({}){default}\n#{}={value}\n",
        setting.about, setting.kind, setting.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings;

    const BEGIN: &str = "<!-- settings: printed by `neurolink config --reference` -->\n";
    const END: &str = "<!-- end of settings -->";

    #[test]
    fn the_reference_in_the_readme_is_the_tables() {
        let readme = include_str!("README.md");
        let (_, rest) = readme.split_once(BEGIN).unwrap();
        let (inside, _) = rest.split_once(END).unwrap();
        assert_eq!(inside.trim(), reference().trim());
    }

    #[test]
    fn the_example_file_names_every_setting() {
        let file = include_str!("../../deploy/env.example");
        assert_eq!(file, example(), "print it anew: neurolink config --example");
        for setting in settings::all() {
            assert!(
                file.contains(&format!("\n#{}=", setting.name)),
                "{}",
                setting.name
            );
        }
    }

    #[test]
    fn the_example_file_is_a_file_of_settings_once_its_hashes_are_gone() {
        let text: String = example()
            .lines()
            .filter_map(|line| line.strip_prefix('#'))
            .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
            .filter(|line| line.contains('='))
            .map(|line| format!("{line}\n"))
            .collect();
        let read: Vec<_> = dotenvy::from_read_iter(text.as_bytes())
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(read.len(), settings::all().count());
    }
}
