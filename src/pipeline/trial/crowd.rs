//! The people of a trial: read when a rule first names a role or a person, and kept. Comes from the directory.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::db::Client;
use crate::directory::{self, People};
use crate::kernel::Result;
use crate::pipeline::choose;
use crate::pipeline::trial::rule::Judgement;

/// Everybody asked for so far.
#[derive(Default)]
pub(super) struct Crowd {
    roles: BTreeSet<String>,
    ids: BTreeSet<String>,
    people: Arc<People>,
}

impl Crowd {
    /// The people that these judgements may be for, among others.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn around(
        &mut self,
        client: &Client,
        judgements: &[Judgement],
    ) -> Result<Arc<People>> {
        let mut is_new = false;
        for judgement in judgements {
            let (roles, ids) = choose::wanted(&judgement.judged);
            for role in roles {
                is_new |= self.roles.insert(role);
            }
            for id in ids {
                is_new |= self.ids.insert(id);
            }
        }
        if is_new {
            let roles: Vec<String> = self.roles.iter().cloned().collect();
            let ids: Vec<String> = self.ids.iter().cloned().collect();
            self.people = Arc::new(directory::store::find(client, &roles, &ids).await?);
        }
        Ok(self.people.clone())
    }

    /// All of them.
    pub(super) fn all(&self) -> Arc<People> {
        self.people.clone()
    }
}
