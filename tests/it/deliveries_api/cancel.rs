//! A delivery that isn't wanted any more: what waits or is dead is cancelled, what is on its way isn't.

use neurolink::kernel::ChannelKind::Email;

use super::{API, admin, delivery, text};
use crate::support::TestDb;
use crate::support::app::App;

#[tokio::test]
async fn what_waits_or_is_dead_is_cancelled_and_what_is_on_its_way_is_not() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start_with(&db, API, &[]).await;
    let cancel = async |id: i64| {
        let path = format!("/v1/deliveries/{id}/cancel");
        let (status, told) = admin(&app, "POST", &path, None).await;
        let word = if status == 200 { "outcome" } else { "code" };
        (status, told[word].as_str().unwrap_or_default().to_owned())
    };
    let state = async |id: i64| {
        let ask = format!(
            "select status || ' ' || (select count(*) from neurolink_jobs where ref_id = {id}) from neurolink_delivery_log where id = {id}"
        );
        text(&sql, &ask).await
    };
    for status in ["pending", "dead"] {
        let id = delivery(&sql, "ali", Some("BGD"), Email, status).await;
        assert_eq!(cancel(id).await, (200, "cancelled".to_owned()), "{status}");
        assert_eq!(state(id).await, "cancelled 0");
        assert_eq!(cancel(id).await, (200, "ended".to_owned()));
    }
    let sent = delivery(&sql, "ali", Some("BGD"), Email, "sent").await;
    assert_eq!(cancel(sent).await, (409, "already_sent".to_owned()));
    assert_eq!(cancel(7).await, (404, "not_found".to_owned()));

    let running = delivery(&sql, "ali", Some("BGD"), Email, "pending").await;
    let claim = format!(
        "update neurolink_jobs set claimed_by = gen_random_uuid(), attempt = 3, run_at = now() + interval '1 minute' where ref_id = {running}"
    );
    sql.batch_execute(&claim).await.unwrap();
    assert_eq!(cancel(running).await, (409, "delivery_running".to_owned()));
    assert_eq!(state(running).await, "pending 1");
    // Its lease runs out without a word: the attempt is lost, and nobody's outcome fits a job any more.
    sql.batch_execute("update neurolink_jobs set run_at = now() - interval '1 second'")
        .await
        .unwrap();
    assert_eq!(cancel(running).await, (200, "cancelled".to_owned()));
    assert_eq!(state(running).await, "cancelled 0");
    let lost = format!(
        "select outcome || ' ' || attempt from neurolink_delivery_attempts where delivery_id = {running}"
    );
    assert_eq!(text(&sql, &lost).await, "lost 3");
    let audit = "select string_agg(action || ' ' || (before ->> 'status'), ', ' order by id) from neurolink_audit_log";
    assert_eq!(
        text(&sql, audit).await,
        "delivery.cancelled pending, delivery.cancelled dead, delivery.cancelled pending"
    );
    app.stop().await;
}
