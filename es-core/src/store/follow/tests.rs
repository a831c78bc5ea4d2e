//! Reading all streams over a store that does what a script says.

use std::{
    collections::VecDeque,
    pin::pin,
    sync::{Arc, Mutex},
};

use futures_core::Stream;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    recorded::{EventId, Position, StreamId, StreamVersion},
    store::{
        Append, Appended, Checkpoint, EventStore, HistoryId, KeptSnapshot, ListStreams, Load, LoadedStream,
        Misconfigured, NewSnapshot, Page, ReadAll, ReadStream, StoreError, StoredEvent, StreamInfo, Unavailable,
    },
};

/// A store that answers with the pages it was given, and notes what it was asked. Behind the last it is closed.
#[derive(Clone, Debug, Default)]
struct Scripted(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    answers: VecDeque<Result<Page, StoreError>>,
    asked: Vec<Asked>,
}

#[derive(Debug, PartialEq)]
enum Asked {
    /// For a page behind a position, and where that must be the one of a checkpoint, for its event.
    Page(u64, Option<EventId>),
    Wait(u64),
}

impl Scripted {
    fn new(answers: impl IntoIterator<Item = Result<Page, StoreError>>) -> Self {
        let script = Script { answers: answers.into_iter().collect(), asked: Vec::new() };
        Self(Arc::new(Mutex::new(script)))
    }

    fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }
}

impl EventStore for Scripted {
    async fn read_page(&self, read: &ReadAll) -> Result<Page, StoreError> {
        let mut script = self.0.lock().unwrap();
        script.asked.push(Asked::Page(read.after.get(), read.resume.map(|checkpoint| checkpoint.event_id)));
        script.answers.pop_front().unwrap_or_else(|| Err(Unavailable::closed("the script is at its end").into()))
    }

    async fn wait_beyond(&self, position: Position, _: HistoryId) {
        self.0.lock().unwrap().asked.push(Asked::Wait(position.get()));
    }

    async fn append(&self, _: Append) -> Result<Appended, StoreError> {
        unreachable!("it is only read")
    }

    async fn append_all(&self, _: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        unreachable!("it is only read")
    }

    async fn kept_snapshot(&self, _: StreamId) -> Result<Option<KeptSnapshot>, StoreError> {
        unreachable!("only pages are read")
    }

    fn streams(&self, _: ListStreams) -> impl Stream<Item = Result<StreamInfo, StoreError>> + Send + use<> {
        stream::empty()
    }

    async fn archive(&self, _: StreamId) -> Result<(), StoreError> {
        unreachable!("it is only read")
    }

    async fn restore(&self, _: StreamId) -> Result<(), StoreError> {
        unreachable!("it is only read")
    }

    async fn load(&self, _: Load) -> Result<LoadedStream, StoreError> {
        unreachable!("only pages are read")
    }

    fn read_stream(&self, _: ReadStream) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send + use<> {
        stream::empty()
    }

    async fn save_snapshot(&self, _: NewSnapshot) -> Result<(), StoreError> {
        unreachable!("it is only read")
    }

    async fn settled(&self) -> Result<Position, StoreError> {
        unreachable!("only pages are read")
    }

    async fn history(&self) -> Result<HistoryId, StoreError> {
        unreachable!("a page says its own")
    }
}

fn event(position: u64) -> StoredEvent {
    StoredEvent::new(
        StreamId::new("test", "a"),
        StreamVersion::new(position),
        Position::new(position),
        "Tested".to_owned(),
        1,
        EventId::now(),
        Vec::new(),
        Vec::new(),
        chrono::DateTime::UNIX_EPOCH,
    )
}

fn page(history: HistoryId, positions: &[u64], upto: u64, more: bool) -> Page {
    Page::new(positions.iter().copied().map(event).collect(), Position::new(upto), more, history)
}

fn away() -> Result<Page, StoreError> {
    Err(Unavailable::new("it is away", "a test").into())
}

fn all() -> ReadAll {
    ReadAll::after(Position::START)
}

#[tokio::test]
async fn one_page_is_asked_for_ahead_of_whoever_takes_the_events() {
    let history = HistoryId::new();
    let pages =
        [&[1, 2, 3][..], &[4], &[5]].map(|positions| Ok(page(history, positions, *positions.last().unwrap(), true)));
    let store = Scripted::new(pages);
    let mut events = pin!(store.subscribe(all()));
    assert_eq!(store.asked(), [], "not before it is polled");
    events.try_next().await.unwrap();
    assert_eq!(store.asked(), [Asked::Page(0, None), Asked::Page(3, None)]);
    for _ in 2..=3 {
        events.try_next().await.unwrap();
    }
    assert_eq!(store.asked(), []);
    events.try_next().await.unwrap();
    assert_eq!(store.asked(), [Asked::Page(4, None)]);
}

#[tokio::test]
async fn it_waits_at_the_frontier_and_only_there() {
    let history = HistoryId::new();
    let store = Scripted::new([
        Ok(page(history, &[1], 2, true)),
        Ok(page(history, &[], 2, false)),
        Ok(page(history, &[], 2, false)),
        Ok(page(history, &[3], 3, true)),
    ]);
    let seen: Vec<_> = store.subscribe(all()).take(2).try_collect().await.unwrap();
    assert_eq!(seen.iter().map(|event| event.position.get()).collect::<Vec<_>>(), [1, 3]);
    let (page, wait) = (|after| Asked::Page(after, None), Asked::Wait);
    assert_eq!(store.asked(), [page(0), page(2), wait(2), page(2), wait(2), page(2), page(3)]);
}

#[tokio::test]
async fn an_absence_is_waited_out_and_the_last_error_ends_it() {
    let history = HistoryId::new();
    let wrong = || Err(Misconfigured::new("a wrong password", None).into());
    let store = Scripted::new([away(), Ok(page(history, &[1], 1, true)), away(), away(), wrong(), away()]);
    let seen: Vec<_> = store.subscribe(all()).collect().await;
    assert!(matches!(&seen[..], [Ok(_), Err(StoreError::Misconfigured(_))]), "{seen:?}");
    let page = |after| Asked::Page(after, None);
    assert_eq!(store.asked(), [page(0), page(0), page(1), page(1), page(1)]);
    let closed: Vec<_> = Scripted::new([]).subscribe(all()).collect().await;
    assert!(matches!(&closed[..], [Err(error)] if error.is_closed()), "{closed:?}");
    let read: Vec<_> = Scripted::new([away()]).read_all(all()).collect().await;
    assert!(matches!(&read[..], [Err(error)] if error.is_unavailable()), "a read does not wait: {read:?}");
}

#[tokio::test]
async fn in_another_history_it_does_not_go_on_behind_what_was_handed_out() {
    let (before, after) = (HistoryId::new(), HistoryId::new());
    let store = Scripted::new([Ok(page(before, &[2, 5], 9, true)), Ok(page(after, &[11], 11, true))]);
    let seen: Vec<_> = store.subscribe(all()).collect().await;
    let [Ok(_), Ok(_), Err(StoreError::HistoryDiverged(diverged))] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((diverged.known, diverged.found, diverged.missing), (before, after, None));
    assert_eq!(store.asked(), [Asked::Page(0, None), Asked::Page(9, None)]);
}

#[tokio::test]
async fn in_another_history_it_begins_anew_where_nothing_was_handed_out() {
    let (before, after) = (HistoryId::new(), HistoryId::new());
    let from = Checkpoint::behind(&event(3), before);
    for begin in [ReadAll::after(Position::new(3)), ReadAll::resume(from)] {
        let store = Scripted::new([
            Ok(page(before, &[], 9, true)),
            Ok(page(after, &[], 12, true)),
            Ok(page(after, &[6], 12, true)),
        ]);
        let seen: Vec<_> = store.subscribe(begin.clone()).take(1).try_collect().await.unwrap();
        assert_eq!(seen[0].position, 6);
        let id = begin.resume.map(|checkpoint| checkpoint.event_id);
        let page = |after| Asked::Page(after, None);
        assert_eq!(store.asked(), [Asked::Page(3, id), page(9), Asked::Page(3, id), page(12)]);
    }
}
