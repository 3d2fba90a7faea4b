//! People who watch their inbox by Server-Sent Events, on whichever node, and come back at random from where they stood. Each
//! keeps what a frontend would keep: the inbox as it has been told, and its position. The verdict compares that with the table.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::dice::Dice;
use crate::nodes::token;
use crate::run::{Run, Shared};
use crate::world::READERS;

/// Heartbeats come every two seconds: a stream silent for longer has died.
const SILENCE: Duration = Duration::from_secs(5);

/// What a reader knows of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub rev: i64,
    pub title: String,
    pub read: bool,
    pub archived: bool,
}

/// A reader's state.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    pub name: String,
    pub user: &'static str,
    pub inbox: BTreeMap<i64, Known>,
    pub cursor: String,
    pub rev: i64,
    pub unread: i64,
    pub connections: u32,
    pub reloads: u32,
    pub frames: u64,
    pub faults: Vec<String>,
}

pub type Seen = Arc<Mutex<Reader>>;

/// Two for each of the people, each in a task of its own.
pub fn start(
    run: &Shared,
    over: &CancellationToken,
    tasks: &mut tokio::task::JoinSet<()>,
) -> Vec<Seen> {
    let mut all = Vec::new();
    for user in READERS {
        for tab in 1..=2 {
            let reader = Reader {
                name: format!("{user}/{tab}"),
                user,
                cursor: "0".to_owned(),
                ..Reader::default()
            };
            let seen = Arc::new(Mutex::new(reader));
            all.push(seen.clone());
            tasks.spawn(watch(run.clone(), seen, over.clone()));
        }
    }
    all
}

async fn watch(run: Shared, seen: Seen, over: CancellationToken) {
    let (name, user) = {
        let seen = seen.lock().unwrap();
        (seen.name.clone(), seen.user)
    };
    let mut dice = Dice::of(run.seed, &format!("reader {name}"));
    let token = token(user, &[]);
    while !over.is_cancelled() {
        let stays = Instant::now() + dice.seconds(0.5, 9.0);
        let node = dice.below(run.nodes.len());
        tokio::select! {
            ended = stream(&run, node, &token, &seen, stays) => {
                // A node that is away, frozen or stopping ends a stream; what it said before counts.
                if ended.is_err() {
                    tokio::time::sleep(dice.seconds(0.05, 0.4)).await;
                }
            }
            () = over.cancelled() => {}
        }
    }
}

async fn stream(run: &Run, node: usize, token: &str, seen: &Seen, stays: Instant) -> Result<()> {
    let cursor = seen.lock().unwrap().cursor.clone();
    let request = run
        .http
        .get(format!("{}/v1/notifications/stream", run.nodes[node].base))
        .bearer_auth(token);
    let request = request.header("last-event-id", &cursor);
    let answer = tokio::time::timeout(SILENCE, request.send()).await??;
    ensure!(answer.status().is_success(), "{}", answer.status());
    seen.lock().unwrap().connections += 1;
    let mut bytes = answer.bytes_stream();
    let mut text = Vec::new();
    while Instant::now() < stays {
        let wait = SILENCE.min(stays.saturating_duration_since(Instant::now()));
        let Some(chunk) = tokio::time::timeout(wait, bytes.next()).await? else {
            bail!("the stream ended")
        };
        text.extend_from_slice(&chunk?);
        while let Some(end) = text.windows(2).position(|two| two == b"\n\n") {
            let frame: Vec<u8> = text.drain(..end + 2).collect();
            let must_reload = take(&mut seen.lock().unwrap(), &String::from_utf8_lossy(&frame));
            if must_reload {
                return reload(run, node, token, seen).await;
            }
        }
    }
    Ok(())
}

/// Takes a frame in. True: "reload".
fn take(seen: &mut Reader, frame: &str) -> bool {
    let (mut id, mut event, mut data) = (None, "", Value::Null);
    for line in frame.lines() {
        match line.split_once(": ") {
            Some(("id", value)) => id = Some(value.to_owned()),
            Some(("event", value)) => event = value,
            Some(("data", value)) => data = serde_json::from_str(value).unwrap_or_default(),
            _ => {}
        }
    }
    seen.frames += 1;
    let rev = data["rev"].as_i64().unwrap_or(-1);
    match event {
        "notification" | "deleted" => {
            if rev <= seen.rev {
                let fault = format!(
                    "revision {rev} of notification {} came after {}",
                    data["id"], seen.rev
                );
                seen.faults.push(fault);
            }
            change(seen, event == "deleted", &data);
            seen.rev = rev;
        }
        "counts" => seen.unread = data["unread"].as_i64().unwrap_or(-1),
        "reset" => {
            // Nothing was restored and nothing failed over: only somebody far behind may be sent away.
            if data["reason"] != "too far behind" {
                seen.faults.push(format!(
                    "was told to reload at {}: {}",
                    seen.cursor, data["reason"]
                ));
            }
            return true;
        }
        _ => {}
    }
    if let Some(id) = id {
        let stands = id
            .rsplit_once('.')
            .and_then(|(_, rev)| rev.parse().ok())
            .unwrap_or(-1);
        if stands < seen.rev {
            seen.faults.push(format!(
                "was moved back from revision {} to {id} by a frame {event}",
                seen.rev
            ));
        }
        seen.rev = seen.rev.max(stands);
        seen.cursor = id;
    }
    false
}

fn change(seen: &mut Reader, is_gone: bool, data: &Value) {
    let Some(id) = data["id"].as_i64() else {
        seen.faults.push(format!("a frame without an id: {data}"));
        return;
    };
    if is_gone {
        seen.inbox.remove(&id);
        return;
    }
    let known = Known {
        rev: data["rev"].as_i64().unwrap_or(-1),
        title: data["title"].as_str().unwrap_or_default().to_owned(),
        read: !data["read_at"].is_null(),
        archived: !data["archived_at"].is_null(),
    };
    if let Some(before) = seen
        .inbox
        .insert(id, known.clone())
        .filter(|before| before.rev >= known.rev)
    {
        seen.faults.push(format!(
            "notification {id} went from revision {} back to {}",
            before.rev, known.rev
        ));
    }
}

/// The inbox anew, by the long poll's pages; then on from its end.
async fn reload(run: &Run, node: usize, token: &str, seen: &Seen) -> Result<()> {
    let mut fresh = Reader::default();
    let mut since = "0".to_owned();
    loop {
        let url = format!(
            "{}/v1/notifications/changes?since={since}",
            run.nodes[node].base
        );
        let answer = run
            .http
            .get(url)
            .bearer_auth(token)
            .timeout(SILENCE)
            .send()
            .await?
            .error_for_status()?;
        let page: Value = answer.json().await?;
        for item in page["items"].as_array().into_iter().flatten() {
            change(&mut fresh, false, item);
        }
        since = page["cursor"].as_str().unwrap_or_default().to_owned();
        if page["more"] != true {
            fresh.unread = page["unread"].as_i64().unwrap_or(-1);
            fresh.rev = page["rev"].as_i64().unwrap_or(-1);
            break;
        }
    }
    let mut seen = seen.lock().unwrap();
    seen.inbox = fresh.inbox;
    seen.faults.extend(fresh.faults);
    (seen.unread, seen.rev, seen.cursor) = (fresh.unread, fresh.rev, since);
    seen.reloads += 1;
    Ok(())
}
