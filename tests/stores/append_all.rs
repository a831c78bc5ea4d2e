//! Appends to several streams: all or none, whoever races or goes away.

use std::{collections::HashMap, time::Duration};

use es_core::{prelude::*, store::Append};
use tokio::time::timeout;

use super::{Database, Home, append, stored};

/// How many streams the writers share.
const STREAMS: usize = 5;

/// Appends to several of them again and again, and answers what was stored, and how many conflicts there were.
async fn write<S: EventStore>(store: S, seed: usize) -> (Vec<Vec<Append>>, usize) {
    let mut stored = Vec::new();
    let mut conflicts = 0;
    let mut known = [0; STREAMS];
    for round in 0..30 {
        let size = [1, 2, 3, 5][(seed + round) % 4];
        // Half of the writers go through the streams in the opposite order.
        let ids = (0..size).map(|step| (round + step * if seed.is_multiple_of(2) { 1 } else { STREAMS - 1 }) % STREAMS);
        let request: Vec<_> = ids
            .map(|id| {
                let expected =
                    if (seed + round).is_multiple_of(3) { Expected::Exact(known[id].into()) } else { Expected::Any };
                append(&format!("s{id}"), expected, 1)
            })
            .collect();
        let answer = match &request[..] {
            // One alone may go by either way.
            [single] if round.is_multiple_of(2) => store.append(single.clone()).await.map(|appended| vec![appended]),
            _ => store.append_all(request.clone()).await,
        };
        match answer {
            Ok(_) => stored.push(request),
            Err(StoreError::Conflict(conflict)) => {
                conflicts += 1;
                let id: usize = conflict.stream.id()[1..].parse().expect("a number");
                known[id] = conflict.actual.get();
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    (stored, conflicts)
}

pub(crate) async fn groups_over_the_same_streams_succeed_as_wholes<D: Database>(database: &D) {
    let mut writers = Vec::new();
    for number in 0..2 {
        let store = database.open().await;
        for writer in 0..8 {
            writers.push(tokio::spawn(write(store.clone(), number * 8 + writer)));
        }
    }
    let mut told: HashMap<String, u64> = HashMap::new();
    let (mut groups, mut conflicts) = (0, 0);
    for writer in writers {
        let (stored, lost) = writer.await.expect("no writer meets anything but a conflict");
        conflicts += lost;
        for request in stored {
            groups += u64::from(request.len() > 1);
            for append in request {
                *told.entry(append.stream.id().to_owned()).or_default() += 1;
            }
        }
    }
    assert!(groups > 0 && conflicts > 0, "{groups} groups and {conflicts} conflicts: nothing was tested");
    let store = database.open().await;
    for id in 0..STREAMS {
        let id = format!("s{id}");
        let told = told.get(&id).copied().unwrap_or(0);
        assert_eq!(database.count(&id).await, told, "{id}: each that was told of a success, and no other");
        let versions: Vec<_> = stored(&store, &id).await.iter().map(|event| event.version.get()).collect();
        assert_eq!(versions, (1..=told).collect::<Vec<_>>(), "{id} has no gaps");
    }
    // Each transaction of several streams is such a group, where each has one of its own.
    if let Some(several) = database.groups().await {
        assert!(several >= groups, "{several} transactions for {groups} groups");
    }
}

pub(crate) async fn a_dropped_group_is_done_or_not_done_and_can_be_sent_again<D: Database>(database: &D) {
    let store = database.open().await;
    for round in 0..100_u64 {
        // In an order that is not that of their names.
        let sizes = [("b", 2), ("c", 2), ("a", 1)].map(|(id, size)| (format!("{id}{round}"), size));
        let group: Vec<_> = sizes.iter().map(|(id, size)| append(id, Expected::Any, *size)).collect();
        let _ = timeout(Duration::from_micros(round * 40), store.append_all(group.clone())).await;
        let (mut there, mut done) = (Vec::new(), false);
        for (id, size) in &sizes {
            let count = database.count(id).await;
            there.push(count);
            // It may be done between two looks, but never undone.
            assert!(count == *size as u64 || (count == 0 && !done), "{there:?} of {sizes:?}");
            done = count > 0;
        }
        store.append_all(group).await.expect("it can be sent again");
        for (id, size) in &sizes {
            assert_eq!(database.count(id).await, *size as u64);
        }
    }
}

pub(crate) async fn a_group_of_which_one_does_not_fit_stores_nothing<H: Home>(home: &H) {
    let store = home.open().await;
    store.append(append("taken", Expected::NoStream, 1)).await.expect("an append");
    let keyed = append("keyed", Expected::Any, 1).idempotency_key("k");
    store.append(keyed.clone()).await.expect("an append");
    let missing = append("none", Expected::Exact(3.into()), 1);
    for one in [append("taken", Expected::NoStream, 1), missing, keyed] {
        for place in 0..=2 {
            let mut group = vec![append("b", Expected::NoStream, 2), append("a", Expected::NoStream, 1)];
            group.insert(place, one.clone());
            store.append_all(group).await.expect_err("one of them does not fit");
        }
    }
    let last = store.settled().await.expect("a position");
    assert_eq!(last.get(), 2);
    let group = (0..300).map(|number| append(&format!("s{number}"), Expected::NoStream, 2)).collect();
    store.append_all(group).await.expect("all of them fit");
    assert_eq!(store.settled().await.expect("a position").get(), 602);
}
