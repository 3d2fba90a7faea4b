//! What is tried, from words of the command line: a rule of the database or of a file, an event of the database or of a file.

use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::cli::rules::{files, store};
use crate::db::Db;
use crate::ingest::{Event, NewEvent};
use crate::kernel::clock;
use crate::ops::trial;
use crate::rules::{Draft, RuleRow, Saved};

/// A rule, and the saved one that goes by its name.
pub(super) struct Subject {
    /// Of a file: id and version 0.
    pub(super) row: RuleRow,
    /// The saved one.
    pub(super) saved: Option<Saved>,
}

/// From a file if the word looks like one, else from the database. `name` says which of a file's.
pub(super) async fn rule(word: &str, name: Option<&str>, db: &Db) -> Result<Subject, Failure> {
    let path = Path::new(word);
    let ends = |end: &str| {
        path.extension()
            .is_some_and(|own| own.eq_ignore_ascii_case(end))
    };
    if word == "-" || ends("yaml") || ends("yml") || ends("json") {
        let draft = of_file(path, word, name)?;
        let saved = Saved::named(&db.client().await?, &draft.name).await?;
        return Ok(Subject {
            row: draft.row(0, 0),
            saved,
        });
    }
    let saved = Saved::named(&db.client().await?, word).await?;
    saved.map(kept).ok_or_else(|| {
        Failure::Usage(format!(
            "there is no rule {word} (`neurolink rules list` shows them; a file's name ends in .yaml, .yml or .json)"
        ))
    })
}

/// A rule of the database by its id.
pub(super) async fn by_id(id: i64, db: &Db) -> Result<Subject, Failure> {
    let saved = Saved::find(&db.client().await?, id).await?;
    saved
        .map(kept)
        .ok_or_else(|| Failure::Usage(format!("there is no rule {id}")))
}

fn kept(saved: Saved) -> Subject {
    Subject {
        row: saved.draft.row(saved.id, saved.version),
        saved: Some(saved),
    }
}

fn of_file(path: &Path, word: &str, name: Option<&str>) -> Result<Draft, Failure> {
    let mut drafts: Vec<Draft> = files::read(&[path.to_path_buf()])?
        .into_iter()
        .map(|rule| rule.draft)
        .collect();
    if let Some(name) = name {
        drafts.retain(|draft| draft.name == name);
    }
    match <[Draft; 1]>::try_from(drafts) {
        Ok([draft]) => {
            draft
                .check_fields()
                .map_err(|fault| files::usage(word, &fault))?;
            Ok(draft)
        }
        Err(drafts) if drafts.is_empty() => {
            Err(Failure::Usage(format!("{word} holds no such rule")))
        }
        Err(drafts) => {
            let names: Vec<String> = drafts.into_iter().map(|draft| draft.name).collect();
            Err(Failure::Usage(format!(
                "{word} holds several rules; say which with --name: {}",
                names.join(", ")
            )))
        }
    }
}

/// By its id, or from a file as `POST /v1/events` takes it.
pub(super) async fn event(word: &str, db: &Db) -> Result<Event, Failure> {
    if let Ok(id) = word.parse::<i64>() {
        return store::event(id, db)
            .await?
            .ok_or_else(|| Failure::Usage(format!("there is no event {id}")));
    }
    let path = PathBuf::from(word);
    let text = if files::Format::of(&path) == files::Format::Yaml && word != "-" {
        match <[serde_json::Value; 1]>::try_from(files::values(&path)?) {
            Ok([value]) => value.to_string(),
            Err(_) => return Err(Failure::Usage(format!("{word} must hold one event"))),
        }
    } else {
        files::text(&path)?
    };
    let new = NewEvent::within(&text, "").map_err(|fault| files::usage(word, &fault))?;
    let mut event = new.unstored(clock::now());
    event.payload = trial::store::payload(&db.client().await?, &event.payload).await?;
    Ok(event)
}
