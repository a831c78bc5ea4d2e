//! Rules for what people do with projections, and see of them.

use std::{pin::pin, time::Duration};

use futures_util::future::{Either, select};

use super::{
    advance, at, begin, commit, define_rules, eventually, id, owned, prepare, read_model, row, seen, shard, sharded,
    state, store_events, stream, write,
};
use crate::{
    event::EventSchema,
    projection::{Activity, Lag, ProjectionKind, ProjectionSchema, ProjectionStore},
    recorded::Metadata,
    store::{Append, Expected, NewEvent},
};

define_rules! {
    "all shards of one version are paused, and resumed where they were" => paused,
    "a batch that is under way ends before its shard is paused" => batch_first,
    "a lag counts the events that are handled, and says how old the first of them is" => lag,
}

const BOTH: &[EventSchema] = &[EventSchema::new("Counted", 1), EventSchema::new("Other", 1)];

async fn paused<S: ProjectionStore>(store: S) {
    prepare(&store, sharded(1, 2)).await;
    prepare(&store, read_model(2)).await;
    let claim = owned(&store, 1).await;
    assert!(advance(&store, &claim, 0, 3).await);
    let activities = async || {
        let shards = [shard(id(1), 0), shard(id(1), 1), shard(id(2), 0)];
        [
            state(&store, shards[0]).await.activity,
            state(&store, shards[1]).await.activity,
            state(&store, shards[2]).await.activity,
        ]
    };
    assert_eq!(activities().await, [Activity::Running; 3]);
    for _ in 0..2 {
        store.set_activity(id(1), Activity::Paused).await.expect("it can be paused");
        assert_eq!(activities().await, [Activity::Paused, Activity::Paused, Activity::Running]);
    }
    assert!(!advance(&store, &claim, 3, 4).await);
    store.set_activity(id(1), Activity::Running).await.expect("it can be resumed");
    assert_eq!(activities().await, [Activity::Running; 3]);
    assert!(advance(&store, &claim, 3, 4).await, "its owner goes on");
}

async fn batch_first<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    let mut open = begin(&store, &claim, 0, 1).await;
    let written = async {
        for _ in 0..3 {
            write(&store, &mut open, 1, &[row("a", 1)], &[]).await;
        }
        open
    };
    match select(pin!(store.set_activity(id(1), Activity::Paused)), pin!(written)).await {
        // A store that does not wait may say so.
        Either::Left((answer, written)) => {
            assert!(answer.is_err(), "it was paused in the midst of a batch");
            commit(&store, written.await).await;
            store.set_activity(id(1), Activity::Paused).await.expect("it can be paused");
        }
        Either::Right((open, pauses)) => {
            commit(&store, open).await;
            pauses.await.expect("it can be paused");
        }
    }
    assert_eq!(seen(&store, 1, "a").await, Some(1));
    let state = state(&store, claim.shard).await;
    assert_eq!((state.position, state.activity), (at(1), Activity::Paused));
}

async fn lag<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let lag = async |schema: &ProjectionSchema, after| store.lag(schema, at(after)).await.expect("an answer");
    let counted = read_model(1);
    assert_eq!(lag(&counted, 0).await, Lag::default(), "there is nothing");
    store_events(&store, "a", 1..=3).await;
    let other =
        NewEvent::new(EventSchema::new("Other", 1), "{}".to_owned(), Metadata::at(chrono::DateTime::UNIX_EPOCH));
    store.append(Append::new(stream("b"), Expected::Any, vec![other])).await.expect("nothing stands against it");
    store_events(&store, "a", 4..=5).await;
    store.settled().await.expect("an answer");
    let all: Vec<_> = super::super::all_of(&store, "a").await.iter().map(|event| event.position.get()).collect();
    for (done, position) in all.iter().enumerate() {
        assert_eq!(lag(&counted, *position).await.events, 4 - done as u64, "behind the event at {position}");
    }
    assert_eq!(lag(&counted, 0).await.events, 5);
    assert_eq!(lag(&counted, all[4]).await, Lag::default(), "it has come to the end");
    eventually!("time goes on", (lag(&counted, 0).await.time > Duration::ZERO).then_some(()));
    let (older, newer) = (lag(&counted, all[4] - 1).await.time, lag(&counted, 0).await.time);
    assert!(newer >= older, "the oldest counts: {newer:?} and {older:?}");
    let both = ProjectionSchema::new(id(1), ProjectionKind::Projection, BOTH);
    assert_eq!(lag(&both, 0).await.events, 6);
    let none = ProjectionSchema::new(id(1), ProjectionKind::Projection, &[]);
    assert_eq!(lag(&none, 0).await, Lag::default());
}
