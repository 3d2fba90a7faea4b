//! awa draining no-op jobs: four partitions of a queue, as its documentation recommends for very hot ones. Arguments: database
//! URL, jobs. Prints {"per_second": …}.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use awa::{Client, InsertOpts, JobArgs, JobResult, QueueConfig};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, JobArgs)]
struct Nothing {
    n: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let url = args.next().ok_or("a database URL is needed")?;
    let count: u64 = args.next().ok_or("a number of jobs is needed")?.parse()?;
    let pool = sqlx::postgres::PgPoolOptions::new().max_connections(20).connect(&url).await?;
    awa::migrations::run(&pool).await?;

    let done = Arc::new(AtomicU64::new(0));
    let mut builder = Client::builder(pool.clone());
    for part in 0..4 {
        let config = QueueConfig { max_workers: 250, ..Default::default() };
        builder = builder.queue(format!("nothing{part}"), config);
    }
    let counted = done.clone();
    let client = builder
        .register::<Nothing, _, _>(move |_: Nothing, _| {
            counted.fetch_add(1, Ordering::Relaxed);
            async { Ok(JobResult::Completed) }
        })
        .build()?;
    for part in 0..4 {
        let jobs: Vec<_> = (0..count / 4)
            .map(|n| awa::insert::params_with(&Nothing { n }, InsertOpts { queue: format!("nothing{part}"), ..Default::default() }))
            .collect::<Result<_, _>>()?;
        for batch in jobs.chunks(5000) {
            awa::insert_many_copy_from_pool(&pool, batch).await?;
        }
    }
    let count = count / 4 * 4;
    let began = Instant::now();
    client.start().await?;
    while done.load(Ordering::Relaxed) < count {
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    println!("{{\"per_second\": {}}}", count as f64 / began.elapsed().as_secs_f64());
    client.shutdown(Duration::from_secs(10)).await;
    Ok(())
}
