//! Running a model: it holds in every state that can be reached, or the shortest story in which it doesn't is found.

use std::fmt::Debug;
use std::hash::Hash;

use stateright::{Checker, HasDiscoveries, Model};

/// Walks through every state. Fails with the story if a promise breaks in one of them, or if something that the model is
/// about never happens (a model in which nothing happens keeps every promise). States that are the same but for who is who
/// are looked at once: `representative` gives one for all of them.
pub(crate) fn holds<M>(name: &str, model: M, representative: fn(&M::State) -> M::State)
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + PartialEq + Hash + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq + Send + Sync + 'static,
{
    let checker = model
        .checker()
        .threads(2)
        .symmetry_fn(representative)
        .spawn_dfs()
        .join();
    println!(
        "{name}: {} states, {} steps at most",
        checker.unique_state_count(),
        checker.max_depth()
    );
    checker.assert_properties();
    assert!(checker.is_done(), "not every state was seen");
}

/// The model with a step left out: the checker must find how that breaks the promise. Prints the story.
pub(crate) fn breaks<M>(name: &str, promise: &'static str, model: M)
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + PartialEq + Hash + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq + Send + Sync + 'static,
{
    let checker = model
        .checker()
        .finish_when(HasDiscoveries::AnyOf([promise].into()))
        .spawn_bfs()
        .join();
    let path = checker.discovery(promise);
    let Some(path) = path else {
        panic!(
            "{name}: \"{promise}\" was to break, and held in all {} states",
            checker.unique_state_count()
        );
    };
    println!("{name}: \"{promise}\" breaks by");
    for action in path.into_actions() {
        println!("    {action:?}");
    }
}
