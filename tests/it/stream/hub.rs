//! The hub by itself: the interleavings that a connection can't be made to hit.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use neurolink::notifications::store;
use neurolink::stream::Hub;
use neurolink::stream::feed::{CaughtUp, Feed};
use neurolink::stream::hub::{Handed, Subscription};
use tokio_util::sync::CancellationToken;

use crate::support::TestDb;
use crate::support::inbox::fill;

async fn epoch(db: &TestDb) -> String {
    let states = store::changes(&db.db().client().await.unwrap(), &[("ali", 0)], 1)
        .await
        .unwrap();
    states[0].epoch.clone()
}

fn running(db: &TestDb) -> (Arc<Hub>, CancellationToken) {
    let (hub, stop) = (Hub::new(db.db()), CancellationToken::new());
    // No sweep comes to anybody's help.
    hub.sweep_every(Duration::from_secs(3600));
    tokio::spawn(hub.clone().run(stop.clone()));
    (hub, stop)
}

/// The revisions handed out next.
async fn burst(subscription: &mut Subscription) -> Vec<i64> {
    let handed = tokio::time::timeout(Duration::from_secs(30), subscription.receiver.recv());
    match handed.await.unwrap() {
        Some(Handed::Burst { burst, .. }) => burst.frames.iter().map(|(rev, _)| *rev).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn of_two_who_come_together_the_one_who_read_earlier_lacks_nothing() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    fill(&sql, "ali", 2).await;
    let epoch = epoch(&db).await;
    let (hub, stop) = running(&db);
    let mut early = hub.subscribe("ali");
    // Reads up to 2, and is held up before it says so. Meanwhile:
    fill(&sql, "ali", 2).await;
    let mut late = hub.subscribe("ali");
    hub.joined("ali", &epoch, 4);
    hub.joined("ali", &epoch, 2);
    assert_eq!(burst(&mut early).await, [3, 4]);
    assert_eq!(
        burst(&mut late).await,
        [3, 4],
        "which it passes over by its own revision"
    );
    stop.cancel();
}

#[tokio::test]
async fn what_is_handed_out_during_a_reader_s_own_read_leaves_no_gap() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    fill(&sql, "ali", 2).await;
    let epoch = epoch(&db).await;
    let (hub, stop) = running(&db);
    let early = hub.subscribe("ali");
    // Reads up to 2, and is held up before it says so. Meanwhile another comes, reads up to 3, and is handed 4:
    fill(&sql, "ali", 1).await;
    let mut late = hub.subscribe("ali");
    hub.joined("ali", &epoch, 3);
    fill(&sql, "ali", 1).await;
    hub.look(["ali"]);
    assert_eq!(burst(&mut late).await, [4]);

    hub.joined("ali", &epoch, 2);
    let start = CaughtUp {
        head: "".into(),
        epoch: epoch.clone(),
        seen: 2,
    };
    let mut feed = Feed::new(start, early, Duration::from_secs(3600), None);
    assert!(feed.next().await.unwrap().unwrap().is_empty());
    let next = tokio::time::timeout(Duration::from_secs(30), feed.next());
    let sent = next.await.unwrap().unwrap().unwrap();
    let text = String::from_utf8_lossy(&sent);
    let (third, fourth) = (format!("id: {epoch}.3\n"), format!("id: {epoch}.4\n"));
    assert!(text.contains(&third) && text.contains(&fourth), "{text}");
    stop.cancel();
}

#[tokio::test]
async fn a_hint_that_comes_before_the_first_read_is_not_lost() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let epoch = epoch(&db).await;
    let (hub, stop) = running(&db);
    let mut reader = hub.subscribe("ali");
    fill(&sql, "ali", 1).await;
    hub.look(["ali"]);
    let mut witness = hub.subscribe("dina");
    hub.joined("dina", &epoch, 0);
    fill(&sql, "dina", 1).await;
    hub.look(["dina"]);
    // Whatever was marked before has been looked at by now.
    assert_eq!(burst(&mut witness).await, [1]);
    hub.joined("ali", &epoch, 0);
    assert_eq!(burst(&mut reader).await, [1]);
    stop.cancel();
}

#[tokio::test]
async fn a_long_history_is_handed_out_page_by_page_without_gap_or_repetition() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let epoch = epoch(&db).await;
    let (hub, stop) = running(&db);
    let mut reader = hub.subscribe("ali");
    hub.joined("ali", &epoch, 0);
    fill(&sql, "ali", 1250).await;
    hub.look(["ali"]);
    let mut revs = Vec::new();
    while revs.len() < 1250 {
        revs.extend(burst(&mut reader).await);
    }
    assert_eq!(revs, (1..=1250).collect::<Vec<i64>>());
    stop.cancel();
}

#[tokio::test]
async fn who_comes_while_the_hub_ends_finds_their_place_closed() {
    let db = TestDb::new().await;
    let (hub, stop) = running(&db);
    let mut before = hub.subscribe("ali");
    stop.cancel();
    assert!(before.receiver.recv().await.is_none());
    let mut after = hub.subscribe("ali");
    assert!(after.receiver.recv().await.is_none());
    assert_eq!(hub.readers(), 0);
}
