//! What every store shows beside the rules of the contract's own suite: one body for each, and a list that leaves none out.

pub(crate) mod append;
pub(crate) mod append_all;
pub(crate) mod inline;
pub(crate) mod reading;
pub(crate) mod repository;
pub(crate) mod streams;
pub(crate) mod subscribe;

use es_core::{
    event::EventSchema,
    prelude::*,
    store::{Append, NewEvent, ReadAll, ReadStream, StoredEvent},
};
use futures_util::TryStreamExt as _;

/// What any store shows.
macro_rules! of_any_store {
    ($on:ident) => {
        $on! {
            repository::commands_of_many_callers_all_happen_once,
            repository::a_conflict_that_never_ends_is_given_back,
            repository::a_command_with_a_key_happens_once,
            repository::a_key_that_races_with_itself_happens_once,
            repository::a_rejected_command_does_not_take_its_key,
            repository::a_snapshot_is_kept_every_twenty_events,
            repository::a_snapshot_that_does_not_fit_is_ignored_and_replaced,
            repository::states_of_earlier_versions_and_times_can_be_had,
            repository::metadata_travels_with_the_events,
            reading::history_is_read_in_both_directions,
            reading::a_snapshot_is_held_against_its_events,
            streams::an_archived_aggregate_takes_no_commands,
            streams::aggregates_are_listed_by_their_ids,
            append::a_stale_writer_takes_no_position,
            append_all::a_group_of_which_one_does_not_fit_stores_nothing,
        }
    };
}
pub(crate) use of_any_store;

/// What a store shows whose database can be changed and looked at past it.
macro_rules! of_any_database {
    ($on:ident) => {
        $on! {
            repository::what_a_snapshot_has_is_not_read_again,
            repository::a_snapshot_that_failed_to_be_written_harms_no_command,
            repository::an_event_that_cannot_be_read_is_named_and_not_skipped,
            repository::a_missing_event_is_found_out,
            streams::appends_that_race_with_archiving_land_before_or_not_at_all,
            streams::archived_streams_of_a_batch_fail_alone,
            append::parallel_writers_succeed_once_per_version,
            append::a_dropped_append_is_done_or_not_done_and_can_be_sent_again,
            append_all::groups_over_the_same_streams_succeed_as_wholes,
            append_all::a_dropped_group_is_done_or_not_done_and_can_be_sent_again,
            subscribe::a_long_stretch_of_others_is_looked_at_once,
            subscribe::a_reader_that_takes_its_time_keeps_no_connection,
            inline::who_has_the_answer_reads_the_row,
            inline::repeats_and_conflicts_change_no_row,
            inline::who_does_not_change_the_rows_is_refused,
            inline::what_cannot_be_folded_is_not_stored,
            inline::a_pause_ends_it_and_resumed_it_begins_again,
            inline::a_new_version_is_built_and_takes_over,
            inline::it_takes_in_what_is_there_and_only_when_it_is_near_the_end,
            inline::what_cannot_change_with_the_append_is_refused,
        }
    };
}
pub(crate) use of_any_database;

/// Where the stores of a test keep their events.
pub(crate) trait Home {
    type Store: ProjectionStore;

    /// A store with connections of its own, as another process would have one.
    async fn open(&self) -> Self::Store;

    /// Waits until the snapshots that were handed over are written.
    async fn flush(store: &Self::Store);
}

/// A home in which things happen past any store.
pub(crate) trait Database: Home {
    /// Whether appends to several streams are stored in the order of their names, and not in that of the request.
    const SORTS_GROUPS: bool;

    /// Whether only the owner of the tables may make and remove them.
    const OWNED: bool;

    /// A store of the owner of the tables.
    async fn owner(&self) -> Self::Store;

    /// Inserts an event of this name and version, as a stream's second, and answers with its position.
    async fn insert(&self, stream: &StreamId, schema: (&str, u32), payload: &str, metadata: &str) -> u64;

    /// Makes what every stream has before this version unreadable.
    async fn spoil_events(&self, before: u64);

    /// Takes the event of this version away from every stream.
    async fn lose_event(&self, version: u64);

    /// Has snapshots at this version refused.
    async fn refuse_snapshots(&self, version: u64);

    /// A store with so many connections for all who want one.
    async fn open_with_connections(&self, connections: u8) -> Self::Store;

    /// How many events there are in streams of this id.
    async fn count(&self, id: &str) -> u64;

    /// How many transactions stored the events of this version.
    async fn batches(&self, version: u64) -> u64;

    /// How many transactions stored events of several streams, where each group of appends has one of its own.
    async fn groups(&self) -> Option<u64>;

    /// Inserts so many events of the name `Other` into a stream of their own.
    async fn insert_others(&self, events: u32);

    /// Looks for holes among positions and versions, where there must not be any.
    async fn assert_whole(&self) {}

    /// Looks whether appends are still held against read models that change with them, where something would stay behind.
    async fn assert_unguarded(&self) {}

    /// Has the rows of `piles_v1` refused in which so much was carried, because "it is full".
    async fn limit_piles(&self, carried: u32);
}

pub(crate) fn stream(id: &str) -> StreamId {
    StreamId::new("test", id)
}

pub(crate) fn new_event(payload: &str) -> NewEvent {
    NewEvent::new(EventSchema::new("Tested", 1), payload.to_owned(), Metadata::at(Utc::now()))
}

pub(crate) fn append(id: &str, expected: Expected, events: usize) -> Append {
    Append::new(stream(id), expected, (0..events).map(|_| new_event("{}")).collect())
}

pub(crate) async fn stored<S: EventStore>(store: &S, id: &str) -> Vec<StoredEvent> {
    store.read_stream(ReadStream::new(stream(id))).try_collect().await.expect("a stream can be read")
}

pub(crate) async fn read_all<S: EventStore>(store: &S, after: Position) -> Vec<StoredEvent> {
    store.read_all(ReadAll::after(after)).try_collect().await.expect("all events can be read")
}

pub(crate) fn positions(events: &[StoredEvent]) -> Vec<u64> {
    events.iter().map(|event| event.position.get()).collect()
}
