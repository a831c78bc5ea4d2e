//! Room for appends: how much there is, who gets it, and what closing waits for.

use std::{sync::Arc, time::Duration};

use es_core::{
    event::EventSchema,
    recorded::{Metadata, StreamId},
    store::{Append, Expected, NewEvent, StoreError},
};
use futures_util::future::poll_immediate;

use super::{Lanes, PLACES, Prepared};
use crate::config::PostgresConfig;

const LONG: Duration = Duration::from_mins(1);

fn size(bytes: usize) -> usize {
    let payload = format!("\"{}\"", "x".repeat(bytes));
    let event = NewEvent::new(EventSchema::new("Tested", 1), payload, Metadata::at(chrono::Utc::now()));
    let append = Append::new(StreamId::new("test", "a"), Expected::Any, vec![event]);
    Prepared::new(append).expect("it keeps the limits").size().bytes
}

#[tokio::test]
async fn there_is_room_for_so_many_bytes_and_callers_wait_for_it_in_order() {
    let lanes = Lanes::new(&PostgresConfig::new());
    let (large, small) = (size(15 << 20), size(10));
    let mut taken = Vec::new();
    for _ in 0..4 {
        taken.push(lanes.place(large, LONG).await.expect("there is room"));
    }
    let mut gone = Box::pin(lanes.place(large, LONG));
    let mut second = Box::pin(lanes.place(large, LONG));
    let mut third = Box::pin(lanes.place(small, LONG));
    for waiting in [&mut gone, &mut second, &mut third] {
        assert!(poll_immediate(waiting).await.is_none(), "there is no room left, and the small one waits its turn");
    }
    drop(gone);
    assert!(poll_immediate(&mut third).await.is_none());
    taken.pop();
    taken.push(poll_immediate(&mut second).await.expect("its turn").expect("there is room"));
    taken.push(poll_immediate(&mut third).await.expect("its turn").expect("there is room"));
    drop((second, third));
    let busy = lanes.place(large, Duration::from_millis(10)).await.expect_err("there is no room left");
    assert!(matches!(busy, StoreError::Unavailable(_)));
    drop(taken);
    assert_eq!(lanes.places.available_permits(), PLACES as usize, "whoever went away left no trace");
}

#[tokio::test]
async fn closing_lets_those_in_who_waited_and_nobody_after() {
    let lanes = Arc::new(Lanes::new(&PostgresConfig::new()));
    let large = size(15 << 20);
    let mut taken = Vec::new();
    for _ in 0..4 {
        taken.push(lanes.place(large, LONG).await.expect("there is room"));
    }
    let mut before = Box::pin(lanes.place(large, LONG));
    assert!(poll_immediate(&mut before).await.is_none());
    let mut closing = Box::pin(lanes.close());
    assert!(poll_immediate(&mut closing).await.is_none());
    let refused = lanes.place(size(10), LONG).await.expect_err("it is closing");
    assert!(matches!(refused, StoreError::Unavailable(_)));
    taken.clear();
    let last = poll_immediate(&mut before).await.expect("its turn").expect("it came before the end");
    assert!(poll_immediate(&mut closing).await.is_none(), "one is not answered yet");
    drop(last);
    assert!(poll_immediate(&mut closing).await.is_some());
    lanes.close().await;
}

#[test]
fn the_slow_lane_leaves_a_connection_to_the_others() {
    for connections in 2..50 {
        let lanes = Lanes::new(&PostgresConfig::new().max_connections(connections));
        assert!(lanes.slow.available_permits() < connections);
    }
}
