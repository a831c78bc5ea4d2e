//! Batches that are larger than what a statement takes.

use es_core::{
    prelude::*,
    store::{Append, NewEvent},
};

use super::{Contents, PotEvent, engine, filled, fold_from_zero, pot, rows};

/// More than a statement loads or writes.
const POTS: usize = 10_050;

pub(crate) async fn a_batch_may_have_more_rows_than_a_statement_takes<S: ProjectionStore>(store: &S) {
    // The second batch finds the rows of the first, the third removes some.
    for event in [filled(1), filled(2), PotEvent::Emptied(super::Emptied {})] {
        let pots = if matches!(event, PotEvent::Emptied(_)) { POTS / 2 } else { POTS };
        happen_to_all(store, pots, &event).await;
        let engine = engine(store).batch_size(POTS).read_model::<Contents>();
        engine.run_to_frontier().await.expect("it comes to the frontier");
        // Not by `assert_eq`: nobody wants to read ten thousand rows.
        assert!(rows(store).await == fold_from_zero(store).await, "the rows are not those of a fold from the start");
    }
    assert_eq!(rows(store).await.len(), POTS - POTS / 2);
}

async fn happen_to_all<S: EventStore>(store: &S, pots: usize, event: &PotEvent) {
    let append = |number| {
        let event = NewEvent::encode(event, Metadata::at(Utc::now())).expect("the event can be stored");
        Append::new(StreamId::new("pot", pot(number).0), Expected::Any, vec![event])
    };
    let appends: Vec<_> = (0..pots).map(append).collect();
    for appends in appends.chunks(POTS / 3) {
        store.append_all(appends.to_vec()).await.expect("the appends");
    }
}
