//! Rules for making projections known.

use super::{
    EVENTS, LONG, NAME, advance, alive, at, claim, define_rules, id, owned, position, prepare, read_model, row, seen,
    shard, sharded, state, store_events, store_rows,
};
use crate::projection::{
    Column as _, ColumnDifference, ColumnSchema, DeadLetter, Failure, PrepareError, ProjectionId, ProjectionKind,
    ProjectionSchema, ProjectionStore, ShardId, Start, TableSchema,
};

define_rules! {
    "what is prepared again stays as it is" => again,
    "a projection begins where it says, and goes on where it is" => starts,
    "a table that does not fit its struct is refused, with all that differs" => table_changed,
    "a name that belongs to another kind is refused" => kind_changed,
    "a name that comes twice is refused" => name_twice,
    "where one projection is refused nothing is done for the others" => all_or_nothing,
    "shards are divided anew only where all of them stand at one position, and nobody works on them" => shards_changed,
    "what is parked goes with its key where shards are divided anew" => letters_moved,
}

const OTHER: ProjectionId = ProjectionId { name: "conformance_other", version: 1 };

async fn refusal<S: ProjectionStore>(store: &S, schemas: &[ProjectionSchema]) -> PrepareError {
    store.prepare(schemas).await.expect_err("it should be refused")
}

async fn places<S: ProjectionStore>(store: &S, projection: ProjectionId) -> Vec<u32> {
    let roster = store.roster(&[projection]).await.expect("an answer");
    roster.shards.iter().map(|state| state.shard.shard).collect()
}

async fn again<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    store_rows(&store, &claim, &[row("a", 1)], &[]).await;
    let before = store.roster(&[id(1)]).await.expect("an answer");
    prepare(&store, read_model(1)).await;
    prepare(&store, ProjectionSchema { start: Start::After(at(9)), ..read_model(1) }).await;
    assert_eq!(store.roster(&[id(1)]).await.expect("an answer"), before);
    assert_eq!(seen(&store, 1, "a").await, Some(1));
    assert!(advance(&store, &claim, 1, 2).await, "the claim still holds");
}

async fn starts<S: ProjectionStore>(store: S) {
    let starts = [Start::Beginning, Start::After(at(2)), Start::Now];
    for (start, name) in starts.into_iter().zip(["conformance_a", "conformance_b", "conformance_c"]) {
        store_events(&store, name, 1..=3).await;
        let begun = match start {
            Start::Beginning => at(0),
            Start::After(position) => position,
            Start::Now => store.settled().await.expect("an answer"),
        };
        let projection = ProjectionId { name, version: 1 };
        let begins = ProjectionSchema::new(projection, ProjectionKind::Projection, EVENTS);
        let begins = ProjectionSchema { start, shards: 2, ..begins };
        prepare(&store, begins).await;
        store_events(&store, name, 4..=5).await;
        prepare(&store, begins).await;
        for shard in 0..2 {
            assert_eq!(state(&store, ShardId { projection, shard }).await.position, begun, "{start:?}");
        }
    }
}

async fn table_changed<S: ProjectionStore>(store: S) {
    const CHANGED: &[ColumnSchema] = &[
        ColumnSchema::of::<bool>("added"),
        ColumnSchema::of::<String>("id").key(),
        ColumnSchema::new("count", String::TYPE, true),
    ];
    const LESS_STRICT: &[ColumnSchema] = &[
        ColumnSchema::of::<String>("id").key(),
        ColumnSchema::new("count", i64::TYPE, true),
        ColumnSchema::new("note", String::TYPE, true),
    ];
    const OTHER_ORDER: &[ColumnSchema] = &[super::COLUMNS[2], super::COLUMNS[0], super::COLUMNS[1]];
    let with = |columns| {
        let table = TableSchema::new(NAME, 1, columns);
        ProjectionSchema::new(id(1), ProjectionKind::ReadModel(table), EVENTS)
    };
    let differences = async |columns| match refusal(&store, &[with(columns)]).await {
        PrepareError::TableChanged { projection, differences } => {
            assert_eq!(projection, id(1));
            let mut names: Vec<_> = differences
                .into_iter()
                .map(|difference| match difference {
                    ColumnDifference::Missing { column, .. } => ("missing", column),
                    ColumnDifference::Extra { column } => ("extra", column),
                    ColumnDifference::Other { column, found, wanted } => {
                        assert_ne!(found, wanted);
                        ("other", column)
                    }
                })
                .collect();
            names.sort();
            names
        }
        other => panic!("expected a changed table, got: {other}"),
    };
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    store_rows(&store, &claim, &[row("a", 1)], &[]).await;
    let expected = [("extra", "note"), ("missing", "added"), ("other", "count")];
    assert_eq!(differences(CHANGED).await, expected.map(|(kind, column)| (kind, column.to_owned())));
    assert_eq!(differences(LESS_STRICT).await, [("other", "count".to_owned())]);
    assert_eq!(seen(&store, 1, "a").await, Some(1), "nothing has changed");
    prepare(&store, with(OTHER_ORDER)).await;
    assert_eq!(seen(&store, 1, "a").await, Some(1));
}

async fn kind_changed<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    for version in [1, 2] {
        let schema = ProjectionSchema::new(id(version), ProjectionKind::Reactor, EVENTS);
        match refusal(&store, &[schema]).await {
            PrepareError::KindChanged { projection, found, wanted } => {
                assert_eq!((projection, found.as_str(), wanted), (id(version), "read_model", "reactor"));
            }
            other => panic!("expected another kind, got: {other}"),
        }
    }
    assert_eq!(places(&store, id(2)).await, places(&store, id(1)).await, "at the most the older one is told of");
}

async fn name_twice<S: ProjectionStore>(store: S) {
    for second in [read_model(1), read_model(2)] {
        match refusal(&store, &[read_model(1), second]).await {
            PrepareError::NameTwice { name } => assert_eq!(name, NAME),
            other => panic!("expected one name twice, got: {other}"),
        }
    }
    assert_eq!(places(&store, id(1)).await, Vec::<u32>::new());
}

async fn all_or_nothing<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let good = ProjectionSchema::new(OTHER, ProjectionKind::Projection, EVENTS);
    let bad = ProjectionSchema::new(id(1), ProjectionKind::Projection, EVENTS);
    refusal(&store, &[good, bad]).await;
    assert_eq!(places(&store, OTHER).await, Vec::<u32>::new());
    prepare(&store, good).await;
    assert_eq!(places(&store, OTHER).await, [0]);
}

async fn shards_changed<S: ProjectionStore>(store: S) {
    prepare(&store, sharded(1, 2)).await;
    assert_eq!(places(&store, id(1)).await, [0, 1]);
    let refused = async |wanted| match refusal(&store, &[sharded(1, wanted)]).await {
        PrepareError::ShardsChanged { projection, found, wanted: told } => {
            assert_eq!((projection, found, told), (id(1), 2, wanted));
        }
        other => panic!("expected other shards, got: {other}"),
    };
    let ahead = owned(&store, 1).await;
    assert!(advance(&store, &ahead, 0, 3).await);
    store.leave(ahead.engine).await.expect("an answer");
    refused(4).await;
    refused(1).await;
    let engine = alive(&store, "owner", LONG).await;
    let mut claims = Vec::new();
    for number in 0..2 {
        claims.push(claim(&store, &engine, shard(id(1), number)).await.expect("nobody owns it"));
    }
    assert!(advance(&store, &claims[1], 0, 3).await);
    refused(4).await;
    store.leave(engine.id).await.expect("an answer");
    prepare(&store, sharded(1, 4)).await;
    assert_eq!(places(&store, id(1)).await, [0, 1, 2, 3]);
    for number in 0..4 {
        assert_eq!(state(&store, shard(id(1), number)).await.position, at(3));
        let engine = alive(&store, "later", LONG).await;
        let claim = claim(&store, &engine, shard(id(1), number)).await.expect("nobody owns it");
        assert!(claims.iter().filter(|old| old.shard == claim.shard).all(|old| old.epoch < claim.epoch));
        store.leave(engine.id).await.expect("an answer");
    }
    for old in &claims {
        assert!(!advance(&store, old, 3, 4).await, "a claim of the old division is void");
    }
    prepare(&store, sharded(1, 1)).await;
    assert_eq!((places(&store, id(1)).await, position(&store, 1).await), (vec![0], 3));
}

async fn letters_moved<S: ProjectionStore>(store: S) {
    store_events(&store, "a", 1..=4).await;
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    let keys = ["a", "b", "c", "d"];
    let letters = keys.iter().zip(1..).map(|(key, position)| {
        let failure = Failure::new(at(position), "Counted".to_owned(), "a test".to_owned(), 1);
        DeadLetter::parked(claim.shard, (*key).to_owned(), at(position), failure)
    });
    let mut transaction = super::begin(&store, &claim, 0, 4).await;
    store.set_aside(&mut transaction, &letters.collect::<Vec<_>>()).await.expect("an answer");
    super::commit(&store, transaction).await;
    store.leave(claim.engine).await.expect("an answer");
    prepare(&store, sharded(1, 3)).await;
    for (key, position) in keys.iter().zip(1..) {
        let belongs = shard(id(1), ShardId::of_key(key, 3));
        let events = store.parked_events(belongs, key, 9).await.expect("an answer");
        assert_eq!(events.iter().map(|event| event.position.get()).collect::<Vec<_>>(), [position], "{key}");
    }
}
