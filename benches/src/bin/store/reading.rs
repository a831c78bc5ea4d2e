//! Loads and scans, beside the same rows fetched and decoded by hand.

use std::{env, time::Instant};

use es_benches::{
    figures::memory,
    meter::{Count, Counted, KeptMeter, LONG, Meter, MeterEvent, MeterId, fill},
    pairs::Pairs,
};
use es_core::{
    prelude::*,
    store::{EventStore, ReadAll},
};
use es_postgres::PostgresStore;
use futures_util::TryStreamExt as _;
use sqlx::{Connection as _, PgConnection, Row as _, postgres::PgRow};

use crate::Failure;

/// The JSON of a `jsonb` column, without the byte before it.
fn json(row: &PgRow, column: usize) -> Result<&[u8], sqlx::Error> {
    row.try_get_raw(column)?.as_bytes().map(|bytes| &bytes[1..]).map_err(sqlx::Error::Decode)
}

/// A stream of 10,000 events, replayed; and one of as many with a snapshot behind the last.
pub(crate) async fn load(store: &PostgresStore, rounds: usize) -> Result<(), Failure> {
    let id = MeterId(Utc::now().timestamp_micros().to_string());
    let (meters, kept) = (store.repository::<Meter>(), store.repository::<KeptMeter>());
    fill(store, Repository::<Meter, PostgresStore>::stream(&id), LONG).await?;
    kept.execute(&id, Count).await?;
    store.flush().await;
    let mut connection = PgConnection::connect(&env::var("DATABASE_URL")?).await?;
    let (mut replayed, mut restored) = (Pairs::new("ms"), Pairs::new("ms"));
    for _ in 0..=rounds {
        let begun = Instant::now();
        assert_eq!(meters.load(&id).await?.state.counted, LONG);
        let ours = begun.elapsed();
        let begun = Instant::now();
        let rows = sqlx::query(
            "select version, event_type, payload, position, schema_version, event_id, recorded_at from es.events
             where stream_type = 'meter' and stream_id = $1 order by version",
        )
        .bind(&id.0)
        .fetch_all(&mut connection)
        .await?;
        let mut total = 0;
        for row in &rows {
            total += serde_json::from_slice::<Counted>(json(row, 2)?)?.amount;
        }
        assert!(total > 0);
        replayed.add(ours, begun.elapsed());

        // Many at a time: one is over too soon for the clock of a machine with neighbours.
        let begun = Instant::now();
        for _ in 0..200 {
            kept.load(&id).await?;
        }
        let ours = begun.elapsed();
        let begun = Instant::now();
        for _ in 0..200 {
            let row = sqlx::query(
                "select version, position, state from es.snapshots
                 where stream_type = 'kept-meter' and stream_id = $1",
            )
            .bind(&id.0)
            .fetch_one(&mut connection)
            .await?;
            serde_json::from_slice::<KeptMeter>(json(&row, 2)?)?;
        }
        restored.add(ours, begun.elapsed());
    }
    replayed.print("load 10,000 events");
    restored.print("load 10,000 events with a snapshot, 200 times");
    Ok(())
}

/// All events of a store, decoded, one by one.
pub(crate) async fn scan(store: &PostgresStore, events: u64, rounds: usize) -> Result<(), Failure> {
    let mut connection = PgConnection::connect(&env::var("DATABASE_URL")?).await?;
    let there: i64 = sqlx::query_scalar("select count(*) from es.events").fetch_one(&mut connection).await?;
    for stream in there.cast_unsigned() / LONG..events / LONG {
        fill(store, StreamId::new("meter", format!("scanned-{stream}")), LONG).await?;
    }
    sqlx::query("vacuum analyze es.events").execute(&mut connection).await?;
    let mut scanned = Pairs::new("ms");
    let before = memory()?;
    for _ in 0..=rounds {
        let begun = Instant::now();
        let mut read = 0_u64;
        let mut all = std::pin::pin!(store.read_all(ReadAll::after(Position::START)));
        while let Some(stored) = all.try_next().await? {
            read += u64::from(stored.decode_event::<MeterEvent>()?.is_some());
        }
        let ours = begun.elapsed();
        let begun = Instant::now();
        let mut by_hand = 0_u64;
        let query =
            "select position, stream_type, stream_id, version, event_type, payload, schema_version, event_id, metadata, recorded_at
                     from es.events order by position";
        let mut rows = sqlx::query(query).fetch(&mut connection);
        while let Some(row) = rows.try_next().await? {
            let event: Counted = serde_json::from_slice(json(&row, 5)?)?;
            by_hand += u64::from(event.amount >= 0);
        }
        drop(rows);
        assert_eq!(read, by_hand);
        scanned.add(ours, begun.elapsed());
    }
    scanned.print(&format!("read_all over {events} events"));
    println!("memory: {before} kB before, {} kB at the most", memory()?);
    Ok(())
}
