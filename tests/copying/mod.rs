//! What a copy between two stores promises, on any two.

pub(crate) mod going_on;
pub(crate) mod refusing;
pub(crate) mod travelling;

use es_core::{
    EventSchema,
    copy::{CopiedEvent, CopyReport, CopyStore, copy},
    prelude::*,
    store::{Append, EventStore, ListStreams, NewEvent, ReadAll},
};
use futures_util::TryStreamExt as _;

/// Hands all rules to a macro of a store's, behind what it is given there: how it comes to a source and a target.
macro_rules! every_rule {
    ($on_store:ident! { $($pair:tt)* }) => {
        $on_store! {
            $($pair)*
            travelling::everything_travels,
            travelling::difficult_json_is_the_same_however_it_is_kept,
            travelling::repeats_are_answered_with_the_first_result,
            travelling::archived_streams_follow_those_of_the_source,
            travelling::subscribers_of_the_target_see_each_event_once,
            going_on::a_second_run_goes_on_behind_the_first,
            going_on::it_tells_how_far_it_is_and_ends_where_it_is_told,
            going_on::a_copy_that_is_killed_goes_on,
            going_on::a_copy_that_is_dropped_at_any_moment_goes_on,
            going_on::a_source_may_be_written_meanwhile,
            refusing::of_two_copies_at_once_one_loses,
            refusing::many_copies_at_once_double_nothing,
            refusing::a_target_with_events_of_its_own_is_refused,
            refusing::an_append_to_the_target_ends_the_copying,
            refusing::an_append_between_two_batches_is_noticed,
            refusing::an_append_while_both_are_read_again_is_noticed,
            refusing::an_append_at_the_same_time_is_noticed,
            refusing::a_store_is_not_copied_into_itself,
            refusing::another_source_is_refused_unless_it_has_all_that_was_copied,
        }
    };
}
pub(crate) use every_rule;

pub(crate) fn stream(id: &str) -> StreamId {
    StreamId::new("lamp", id)
}

pub(crate) fn new_event(payload: &str) -> NewEvent {
    NewEvent::new(EventSchema::new("LampLit", 1), payload.to_owned(), Metadata::at(Utc::now()))
}

pub(crate) fn append(id: &str, events: usize) -> Append {
    let events = (0..events).map(|number| new_event(&format!(r#"{{"number":{number}}}"#)));
    Append::new(stream(id), Expected::Any, events.collect())
}

/// Appends so many events, one by one, to a few streams.
pub(crate) async fn fill<S: EventStore>(store: &S, events: usize) {
    for number in 0..events {
        store.append(append(&format!("lamp-{}", number % 7), 1)).await.expect("an append");
    }
}

/// Everything that a store would hand over to a copy.
pub(crate) async fn everything<S: CopyStore>(store: &S) -> Vec<CopiedEvent> {
    let (mut events, mut read) = (Vec::new(), ReadAll::after(Position::START));
    loop {
        let page = store.read_copy(&read).await.expect("a page");
        events.extend(page.events);
        if !page.more {
            return events;
        }
        read = read.go_on(page.upto);
    }
}

pub(crate) async fn archived<S: EventStore>(store: &S) -> Vec<(StreamId, Option<DateTime<Utc>>)> {
    let list = store.streams(ListStreams::all().only_archived());
    list.map_ok(|info| (info.stream, info.archived_at)).try_collect().await.expect("a list")
}

/// Holds two stores against each other, without the means of the copy: all but positions and the spelling of JSON.
pub(crate) async fn assert_same<S: CopyStore, T: CopyStore>(source: &S, target: &T) {
    let (there, here) = (everything(source).await, everything(target).await);
    assert_eq!(there.len(), here.len(), "as many events");
    let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).expect("JSON");
    for (one, other) in there.iter().zip(&here) {
        let (stored, copied) = (&one.event, &other.event);
        assert_eq!((&stored.stream, stored.version), (&copied.stream, copied.version));
        assert_eq!((&stored.event_type, stored.schema_version), (&copied.event_type, copied.schema_version));
        assert_eq!((stored.event_id, stored.recorded_at), (copied.event_id, copied.recorded_at));
        assert_eq!(stored.decode_metadata().expect("metadata"), copied.decode_metadata().expect("metadata"));
        assert_eq!(json(&stored.payload), json(&copied.payload));
        assert_eq!((&one.idempotency_key, one.append_size), (&other.idempotency_key, other.append_size));
    }
    assert!(here.is_sorted_by(|one, other| one.event.position < other.event.position));
    assert_eq!(archived(source).await, archived(target).await);
}

/// Runs a copy that is expected to succeed, and holds what it says against what is there.
pub(crate) async fn copied<S: CopyStore, T: CopyStore>(source: &S, target: &T) -> CopyReport {
    let report = copy(source, target).await.expect("a copy");
    let all = everything(target).await;
    assert_eq!((report.events, report.verified), (all.len() as u64, all.len() as u64));
    assert_eq!(report.target, all.last().map_or(Position::START, |last| last.event.position));
    let last = everything(source).await.last().map_or(Position::START, |last| last.event.position);
    assert_eq!(report.source, last);
    report
}
