//! An inbox as its owner uses it: read, change, mark all; and what they put aside, brought back.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::db::Db;
use crate::kernel::{Error, Result};
use crate::notifications::model::{Change, Counts, InboxState, Notification};
use crate::notifications::{expiry, snooze, store};

/// Mark-all-read goes, and snoozed ones come back, in chunks of this many: no transaction holds an inbox for long.
const CHUNK: usize = 500;

impl InboxState {
    /// What has changed in people's inboxes since a revision each, at most `most` changes an inbox.
    ///
    /// # Errors
    /// The database's.
    pub async fn since(db: &Db, since: &[(&str, i64)], most: i64) -> Result<Vec<Self>> {
        store::changes(&db.client().await?, since, most).await
    }
}

/// Inboxes, with what is to be called after one has changed.
#[derive(Clone)]
pub struct Inboxes {
    db: Db,
    changed: Arc<dyn Fn(Vec<String>) + Send + Sync>,
}

impl Inboxes {
    /// `changed` is told whose inbox has just changed, after the commit.
    #[must_use]
    pub fn new(db: Db, changed: Arc<dyn Fn(Vec<String>) + Send + Sync>) -> Self {
        Self { db, changed }
    }

    /// These people's inboxes were changed by somebody else, who has just committed.
    pub fn tell(&self, users: Vec<String>) {
        if !users.is_empty() {
            (self.changed)(users);
        }
    }

    /// A page, newest first, of at most `limit` below an id; it may hold fewer while there is more to look at.
    ///
    /// # Errors
    /// The database's.
    pub async fn list(
        &self,
        user: &str,
        below: i64,
        filter: &store::Filter,
        limit: usize,
    ) -> Result<store::Stretch> {
        store::list(&self.db.client().await?, user, below, filter, limit).await
    }

    /// One notification.
    ///
    /// # Errors
    /// `NotFound` when it isn't this person's.
    pub async fn get(&self, user: &str, id: i64) -> Result<Notification> {
        store::get(&self.db.client().await?, user, id)
            .await?
            .ok_or(Error::NotFound("notification"))
    }

    /// The badge.
    ///
    /// # Errors
    /// The database's.
    pub async fn count(&self, user: &str) -> Result<Counts> {
        store::count(&self.db.client().await?, user).await
    }

    /// Changes one notification; what is so already stays as it is. Gives it as it is then, nothing when deleted.
    ///
    /// # Errors
    /// `NotFound` when it isn't this person's.
    pub async fn change(
        &self,
        user: &str,
        id: i64,
        change: Change,
    ) -> Result<Option<Notification>> {
        let changed = store::change(&self.db, user, &[id], change).await?;
        if changed > 0 {
            (self.changed)(vec![user.to_owned()]);
        }
        match change {
            Change::Delete if changed == 0 => Err(Error::NotFound("notification")),
            Change::Delete => Ok(None),
            _ => self.get(user, id).await.map(Some),
        }
    }

    /// Marks everything read that is in the inbox now. Gives how many changed, and the counts then.
    ///
    /// # Errors
    /// The database's; chunks done before stay done.
    pub async fn mark_all_read(&self, user: &str) -> Result<(usize, Counts)> {
        // What comes while we mark was not on anybody's screen: it has a later revision and stays unread.
        let now = self.count(user).await?.rev;
        let (mut above, mut marked) = (Some(0), 0);
        while let Some(from) = above {
            let client = self.db.client().await?;
            let (ids, next) = store::unread_ids(&client, user, from, now, CHUNK).await?;
            drop(client);
            above = next;
            if !ids.is_empty() {
                marked += store::change(&self.db, user, &ids, Change::Mark).await?;
                (self.changed)(vec![user.to_owned()]);
            }
        }
        Ok((marked, self.count(user).await?))
    }

    /// Brings back, unread and unseen, whatever was put aside until now. Gives how many came. Inboxes that somebody is changing are
    /// left for the next call.
    ///
    /// # Errors
    /// The database's; chunks done before stay done.
    pub async fn wake_due(&self) -> Result<usize> {
        let mut all = 0;
        loop {
            let client = self.db.client().await?;
            let due = snooze::store::due(&client, CHUNK).await?;
            drop(client);
            if due.is_empty() {
                return Ok(all);
            }
            let woken = snooze::store::wake(&self.db, &due).await?;
            let count = woken.len();
            let users: BTreeSet<String> = woken.into_iter().collect();
            self.tell(users.into_iter().collect());
            all += count;
            if count < CHUNK {
                return Ok(all);
            }
        }
    }

    /// Puts away whatever has expired until now, and cancels what of it waits to be sent. Gives how many went. Inboxes that somebody is
    /// changing are left for the next call.
    ///
    /// # Errors
    /// The database's; chunks done before stay done.
    pub async fn expire_due(&self) -> Result<usize> {
        let mut all = 0;
        loop {
            let client = self.db.client().await?;
            let due = expiry::store::due(&client, CHUNK).await?;
            drop(client);
            if due.is_empty() {
                return Ok(all);
            }
            let gone = expiry::store::expire(&self.db, &due).await?;
            let count = gone.len();
            let boxed = gone.into_iter().filter(|told| told.in_app);
            let users: BTreeSet<String> = boxed.map(|told| told.user_id).collect();
            self.tell(users.into_iter().collect());
            all += count;
            if count < CHUNK {
                return Ok(all);
            }
        }
    }
}
