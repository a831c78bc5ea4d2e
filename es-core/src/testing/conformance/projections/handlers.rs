//! Rules for projections of which the handlers were changed.

use super::{EVENTS, advance, define_rules, id, owned, prepare, read_model, store_events};
use crate::{
    event::EventSchema,
    projection::{Activity, PrepareError, ProjectionId, ProjectionKind, ProjectionSchema, ProjectionStore, Start},
};

define_rules! {
    "what a version handles is changed only where it has passed none of these events" => passed,
    "events from before a version began are not passed" => before,
    "a reactor may handle other events than it did" => reactors,
}

/// Beside the events that are stored in these rules.
const OTHERS: &[EventSchema] = &[EventSchema::new("Weighed", 1)];
const ALL: &[EventSchema] = &[EventSchema::new("Weighed", 1), EventSchema::new("Counted", 1)];

fn handling(events: &'static [EventSchema]) -> ProjectionSchema {
    ProjectionSchema { events, ..read_model(1) }
}

/// The names of events because of which it is refused, those that are added and those that are removed.
async fn refused<S: ProjectionStore>(store: &S, schema: ProjectionSchema) -> (Vec<String>, Vec<String>) {
    match store.prepare(&[schema]).await {
        Err(PrepareError::HandlersChanged { projection, added, removed }) => {
            assert_eq!(projection, id(1));
            (added, removed)
        }
        answer => panic!("it should be refused: {answer:?}"),
    }
}

async fn passed<S: ProjectionStore>(store: S) {
    store_events(&store, "a", 1..=1).await;
    let first = store.settled().await.expect("an answer").get();
    // Nothing is passed yet.
    for events in [OTHERS, EVENTS, ALL, OTHERS] {
        prepare(&store, handling(events)).await;
    }
    let claim = owned(&store, 1).await;
    assert!(advance(&store, &claim, 0, first).await);
    let counted = vec!["Counted".to_owned()];
    assert_eq!(refused(&store, handling(EVENTS)).await, (counted.clone(), vec![]), "it has missed one of them");
    assert_eq!(refused(&store, handling(ALL)).await, (counted.clone(), vec![]), "and of the others there is none");
    prepare(&store, handling(OTHERS)).await;
    prepare(&store, handling(&[])).await;
    prepare(&store, handling(OTHERS)).await;
    // Of what is refused nothing is kept.
    assert_eq!(refused(&store, handling(EVENTS)).await, (counted.clone(), vec![]));
    // Nothing is about another version.
    prepare(&store, ProjectionSchema { events: ALL, ..read_model(2) }).await;
    let claim = owned(&store, 2).await;
    assert!(advance(&store, &claim, 0, first).await);
    prepare(&store, ProjectionSchema { events: EVENTS, ..read_model(2) }).await;
    match store.prepare(&[ProjectionSchema { events: OTHERS, ..read_model(2) }]).await {
        Err(PrepareError::HandlersChanged { added, removed, .. }) => {
            assert_eq!((added, removed), (vec![], counted), "its rows come of them");
        }
        answer => panic!("it should be refused: {answer:?}"),
    }
    // Whatever it is doing.
    store.set_activity(id(1), Activity::Paused).await.expect("paused");
    assert_eq!(refused(&store, handling(EVENTS)).await.0.len(), 1);
}

async fn before<S: ProjectionStore>(store: S) {
    store_events(&store, "a", 1..=3).await;
    let schema = |events| ProjectionSchema { start: Start::Now, ..handling(events) };
    prepare(&store, schema(OTHERS)).await;
    prepare(&store, schema(ALL)).await;
    prepare(&store, schema(OTHERS)).await;
    let began = store.settled().await.expect("an answer").get();
    store_events(&store, "a", 4..=4).await;
    prepare(&store, schema(ALL)).await;
    prepare(&store, schema(OTHERS)).await;
    let end = store.settled().await.expect("an answer").get();
    let claim = owned(&store, 1).await;
    assert!(advance(&store, &claim, began, end).await);
    refused(&store, schema(ALL)).await;
}

async fn reactors<S: ProjectionStore>(store: S) {
    store_events(&store, "a", 1..=1).await;
    let projection = ProjectionId { name: "conformance_reactor", version: 1 };
    let schema = |events| ProjectionSchema::new(projection, ProjectionKind::Reactor, events);
    prepare(&store, schema(OTHERS)).await;
    let engine = super::alive(&store, "owner", super::LONG).await;
    let claim = super::claim(&store, &engine, super::shard(projection, 0)).await.expect("nobody owns it");
    let end = store.settled().await.expect("an answer").get();
    assert!(advance(&store, &claim, 0, end).await);
    prepare(&store, schema(ALL)).await;
    prepare(&store, schema(EVENTS)).await;
}
