//! Connections used again, side by side, cut and dropped: no mail is lost by them, and none waits for Nagle.

use std::sync::Arc;
use std::time::{Duration, Instant};

use neurolink::deliveries::channels::Channel as _;
use neurolink::deliveries::model::Outgoing;

use super::{Settings, delivery, plain, send};
use crate::support::smtp::{SmtpOptions, SmtpServer};

#[tokio::test]
async fn a_refused_mail_leaves_its_connection_fit_for_the_next() {
    let (mut server, channel) = plain().await;
    for name in ["fail550", "fail450", "fail554-after-data"] {
        assert!(
            send(&channel, &format!("{name}@tsh.example"))
                .await
                .is_err()
        );
    }
    send(&channel, "sara@tsh.example").await.unwrap();
    assert_eq!(server.next_message().await.rcpt_tos, ["sara@tsh.example"]);
    assert_eq!(server.connections().await, 1);
}

#[tokio::test]
async fn a_connection_the_server_cut_while_it_waited_costs_no_mail() {
    let (mut server, channel) = plain().await;
    send(&channel, "sara@tsh.example").await.unwrap();
    server.drop_connections().await;
    send(&channel, "omar@tsh.example").await.unwrap();
    server.next_message().await;
    assert_eq!(server.next_message().await.rcpt_tos, ["omar@tsh.example"]);
    assert_eq!(server.connections().await, 2);
}

#[tokio::test]
async fn a_send_dropped_halfway_leaves_the_channel_sound() {
    let (mut server, channel) = plain().await;
    {
        let stuck = delivery("stall@tsh.example");
        let sending = channel.send(&stuck);
        tokio::select! {
            outcome = sending => panic!("it was to stall: {outcome:?}"),
            _ = server.next_message() => {}
        }
    }
    send(&channel, "sara@tsh.example").await.unwrap();
    assert_eq!(server.next_message().await.rcpt_tos, ["sara@tsh.example"]);
}

#[tokio::test]
async fn a_hundred_mails_go_side_by_side_over_no_more_connections_than_allowed() {
    let mut server = SmtpServer::start(SmtpOptions::default()).await;
    let channel = Arc::new(
        Settings {
            concurrency: 16,
            ..Settings::of(&server)
        }
        .channel(),
    );
    assert_eq!(channel.concurrency(), 16);
    let mut sending = tokio::task::JoinSet::new();
    for number in 0..100 {
        let channel = Arc::clone(&channel);
        sending.spawn(async move {
            let mail = Outgoing {
                delivery_id: number * 32 + 1,
                ..delivery(&format!("user{number}@tsh.example"))
            };
            channel.send(&mail).await
        });
    }
    let mut ids = std::collections::HashSet::new();
    while let Some(outcome) = sending.join_next().await {
        ids.insert(outcome.unwrap().unwrap().provider_message_id);
    }
    assert_eq!(ids.len(), 100);
    let mails = server.messages().await;
    let to: std::collections::HashSet<_> = mails.iter().map(|m| m.rcpt_tos.clone()).collect();
    assert_eq!((mails.len(), to.len()), (100, 100));
    assert!(
        server.most_connections().await <= 16,
        "{}",
        server.most_connections().await
    );
    assert!(
        server.connections().await <= 16,
        "connections are used again"
    );
}

#[tokio::test]
async fn a_mail_on_a_waiting_connection_takes_no_forty_milliseconds() {
    let (mut server, channel) = plain().await;
    send(&channel, "sara@tsh.example").await.unwrap();
    let mut took = Vec::new();
    for _ in 0..31 {
        let began = Instant::now();
        send(&channel, "sara@tsh.example").await.unwrap();
        took.push(began.elapsed());
    }
    // Acknowledgements may be quick on a fresh connection, so only the later mails tell; of those the quickest, since
    // others are at work on the machine, while a mail that waits for a delayed acknowledgement never takes less than 40.
    let quickest = took[20..].iter().min();
    assert!(
        quickest.is_some_and(|t| *t < Duration::from_millis(35)),
        "{took:?}"
    );
    assert_eq!(server.connections().await, 1);
}

#[tokio::test]
async fn a_connection_says_goodbye_after_a_hundred_mails() {
    let (mut server, channel) = plain().await;
    for _ in 0..101 {
        send(&channel, "sara@tsh.example").await.unwrap();
    }
    server.wait_for("quit", 1).await;
    assert_eq!(server.connections().await, 2);
    assert_eq!(server.messages().await.len(), 101);
}
