//! Why a saved rule tells nobody as things are, whatever its preview says: it is switched off, or held. Comes from the rule and its
//! versions, goes to previews among their hints.

use jiff::Timestamp;

use super::preview::Said;
use crate::db::Client;
use crate::kernel::Result;
use crate::rules::{Saved, Version};

/// `kind` of a rule that is switched off.
pub const OFF: &str = "switched_off";
/// `kind` of one that is held because it told too much.
pub const HELD: &str = "held";

/// Versions that are looked through for the one that switched it off.
const VERSIONS: i64 = 100;

/// A sentence for each reason.
///
/// # Errors
/// The database's.
pub async fn of(client: &Client, saved: &Saved) -> Result<Vec<Said>> {
    let mut all = Vec::new();
    if !saved.draft.enabled {
        let versions = Version::newest(client, saved.id, VERSIONS).await?;
        let off = versions.iter().take_while(|version| !version.draft.enabled);
        let since = match off.last() {
            Some(first) => format!(
                "has been switched off since {}, by {}",
                at(first.changed_at),
                first.changed_by
            ),
            None => "is switched off".to_owned(),
        };
        all.push(Said {
            kind: OFF,
            detail: format!("it {since}: nobody is told until it is switched on again"),
        });
    }
    if let Some(hold) = &saved.hold {
        all.push(Said {
            kind: HELD,
            detail: format!(
                "it has been held since {} ({}; held back so far: {}): nobody is told until it is released or changed",
                at(hold.held_at),
                hold.reason,
                hold.held_count
            ),
        });
    }
    Ok(all)
}

fn at(moment: Timestamp) -> impl std::fmt::Display {
    moment.strftime("%Y-%m-%d %H:%M UTC")
}
