//! The people of a trial: read when a rule first names a role or a person, and kept. Comes from the directory.

use std::sync::Arc;

use crate::db::Client;
use crate::directory::{self, People, Wanted};
use crate::kernel::Result;
use crate::pipeline::choose;
use crate::pipeline::trial::rule::Judgement;

/// Everybody asked for so far.
#[derive(Default)]
pub(super) struct Crowd {
    wanted: Wanted,
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
            is_new |= self.wanted.join(choose::wanted(&judgement.judged));
        }
        if is_new {
            self.people = Arc::new(directory::store::find(client, &self.wanted).await?);
        }
        Ok(self.people.clone())
    }

    /// All of them.
    pub(super) fn all(&self) -> Arc<People> {
        self.people.clone()
    }
}
