//! Rules for reading all streams: filtered, from a checkpoint, and for ever.

use std::pin::pin;

use futures_util::{
    StreamExt as _, TryStreamExt as _,
    future::{Either, join, select},
    stream,
};

use super::{append, define_rules, event, numbers, store_events};
use crate::{
    event::EventSchema,
    recorded::{EventId, Metadata, Position, StreamId},
    store::{Append, Checkpoint, EventStore, Expected, HistoryId, NewEvent, ReadAll, StoreError, StoredEvent},
};

define_rules! {
    "each kind of filter lets through what it names" => one_filter,
    "filters of several kinds narrow each other down, and names of one kind add up" => filters_together,
    "an empty list lets nothing through" => empty_filter,
    "a name that no store can hold is invalid to filter by" => names_to_filter_by,
    "one stream is read among others from any position, whatever its length" => streams_from_anywhere,
    "a read ends at the position it was given" => until,
    "a page says up to where nothing is left out, even if it holds no event" => pages,
    "a read goes on behind the event of a checkpoint" => resume,
    "a read does not go on where another event stands, or none" => resume_elsewhere,
    "a subscriber sees what is there and what comes, each once" => subscribe,
    "subscribers see the same while many append, wherever they began" => subscribe_beside_writers,
    "a filtered subscriber moves on over what it does not see" => filtered_subscriber,
    "a subscriber that is dropped can be followed by another" => dropped_subscriber,
    "a subscription ends where it was told to, and at a mistake" => subscription_ends,
}

/// Appends one event of another name to a stream of another type.
async fn store_other<S: EventStore>(store: &S, stream_type: &str, id: &str, name: &'static str, number: u32) {
    let event = NewEvent::new(
        EventSchema::new(name, 1),
        format!("{{\"number\":{number}}}"),
        Metadata::at(chrono::DateTime::UNIX_EPOCH),
    );
    let append = Append::new(StreamId::new(stream_type, id), Expected::Any, vec![event]);
    store.append(append).await.expect("nothing stands against this append");
}

async fn read<S: EventStore>(store: &S, read: ReadAll) -> Vec<StoredEvent> {
    store.read_all(read).try_collect().await.expect("all streams can be read")
}

fn all() -> ReadAll {
    ReadAll::after(Position::START)
}

/// Eight events, numbered from 0: two types of streams, two streams in each, two names in each stream.
async fn store_eight<S: EventStore>(store: &S) {
    let mut number = 0;
    for stream_type in ["red", "blue"] {
        for id in ["a", "b"] {
            for name in ["Opened", "Closed"] {
                store_other(store, stream_type, id, name, number).await;
                number += 1;
            }
        }
    }
}

async fn one_filter<S: EventStore>(store: S) {
    store_eight(&store).await;
    let events = read(&store, all()).await;
    assert_eq!(numbers(&events), [0, 1, 2, 3, 4, 5, 6, 7]);
    let reads = [
        (all().event_types(["Opened"]), vec![0, 2, 4, 6]),
        (all().event_types(["Closed", "Opened"]), vec![0, 1, 2, 3, 4, 5, 6, 7]),
        (all().event_types(["Never"]), vec![]),
        (all().stream_types(["blue"]), vec![4, 5, 6, 7]),
        (all().streams([StreamId::new("red", "b")]), vec![2, 3]),
        (all().streams([StreamId::new("blue", "a"), StreamId::new("red", "b")]), vec![2, 3, 4, 5]),
        (all().streams([StreamId::new("blue", "a"), StreamId::new("blue", "a")]), vec![4, 5]),
        (all().streams([StreamId::new("green", "a")]), vec![]),
    ];
    for (request, expected) in reads {
        let found = read(&store, request.clone()).await;
        assert_eq!(numbers(&found), expected, "{request:?}");
        assert!(found.iter().all(|event| request.filter.matches(event)), "{request:?}");
        let matching = events.iter().filter(|event| request.filter.matches(event)).count();
        assert_eq!(matching, expected.len(), "{request:?} matches in memory what it finds in the store");
    }
}

async fn filters_together<S: EventStore>(store: S) {
    store_eight(&store).await;
    let opened = all().event_types(["Opened"]);
    let middle = read(&store, all()).await[3].position;
    let many = (0..100).map(|number| StreamId::new("blue", format!("none{number}")));
    let red_a = StreamId::new("red", "a");
    let reads = [
        (opened.clone().event_types(["Closed"]), vec![0, 1, 2, 3, 4, 5, 6, 7]),
        (opened.clone().stream_types(["blue"]), vec![4, 6]),
        (opened.clone().stream_types(["blue"]).stream_types(["red"]), vec![0, 2, 4, 6]),
        (opened.clone().streams([StreamId::new("blue", "b")]), vec![6]),
        (opened.clone().stream_types(["red"]).streams([StreamId::new("blue", "b")]), vec![]),
        (opened.clone().streams([red_a.clone()]).streams([StreamId::new("blue", "b")]), vec![0, 6]),
        // More streams than a store may care to look up one by one.
        (opened.clone().stream_types(["red"]).streams(many).streams([red_a]), vec![0]),
        (ReadAll { after: middle, ..opened }, vec![4, 6]),
    ];
    for (request, expected) in reads {
        assert_eq!(numbers(&read(&store, request.clone()).await), expected, "{request:?}");
    }
}

async fn empty_filter<S: EventStore>(store: S) {
    store_eight(&store).await;
    let none: [&str; 0] = [];
    for request in [all().event_types(none), all().stream_types(none), all().streams([])] {
        assert!(request.filter.is_none());
        assert_eq!(read(&store, request.clone()).await, [], "{request:?}");
        let page = store.read_page(&request).await.expect("a page can be read");
        assert!(page.upto > Position::START, "it moves on all the same");
        let added = request.event_types(["Opened"]).stream_types(["red"]).streams([StreamId::new("red", "a")]);
        assert_eq!(numbers(&read(&store, added).await), [0], "names add up, also to none");
    }
    assert!(!all().filter.is_none() && all().filter.is_all());
}

async fn names_to_filter_by<S: EventStore>(store: S) {
    let wrong = [
        all().event_types(["\0"]),
        all().stream_types(["a\0"]),
        all().streams([StreamId::new("red", "a\0")]),
        all().streams([StreamId::new("", "a")]),
    ];
    for request in wrong {
        let found: Result<Vec<_>, _> = store.read_all(request.clone()).try_collect().await;
        assert!(matches!(found, Err(StoreError::Invalid(_))), "{request:?}: {found:?}");
        let followed = pin!(store.subscribe(request)).try_next().await;
        assert!(matches!(followed, Err(StoreError::Invalid(_))), "{followed:?}");
    }
}

async fn streams_from_anywhere<S: EventStore>(store: S) {
    for number in 0..37 {
        store_events(&store, "a", [number]).await;
        store_events(&store, ["b", "c"][number as usize % 2], [100 + number]).await;
    }
    let wanted = [super::stream("a"), super::stream("c")];
    let is_wanted = |event: &&StoredEvent| wanted.contains(&event.stream);
    let events = read(&store, all()).await;
    for (index, event) in events.iter().enumerate() {
        let found = read(&store, ReadAll::after(event.position).streams(wanted.clone())).await;
        let expected: Vec<_> = events[index + 1..].iter().filter(is_wanted).cloned().collect();
        assert_eq!(found, expected, "behind {}", event.position);
    }
    // More than a page in one stream.
    store_events(&store, "a", 1_000..3_503).await;
    store_events(&store, "b", 5_000..5_003).await;
    let long = read(&store, ReadAll::after(events[73].position).streams([super::stream("a")])).await;
    assert_eq!(numbers(&long), (1_000..3_503).collect::<Vec<_>>());
}

async fn until<S: EventStore>(store: S) {
    store_events(&store, "a", 0..10).await;
    let events = read(&store, all()).await;
    let at = |index: usize| events[index].position;
    assert_eq!(numbers(&read(&store, all().until(at(4))).await), [0, 1, 2, 3, 4]);
    assert_eq!(numbers(&read(&store, ReadAll::after(at(2)).until(at(4))).await), [3, 4]);
    assert_eq!(read(&store, ReadAll::after(at(4)).until(at(4))).await, []);
    assert_eq!(read(&store, ReadAll::after(at(4)).until(at(2))).await, []);
    assert_eq!(read(&store, all().until(Position::START)).await, []);
    let beyond = Position::new(u64::MAX);
    assert_eq!(read(&store, all().until(beyond)).await.len(), 10);
    assert_eq!(read(&store, ReadAll::after(beyond)).await, []);
}

async fn pages<S: EventStore>(store: S) {
    let empty = store.read_page(&all()).await.expect("a page can be read");
    assert_eq!((empty.events.len(), empty.upto, empty.more), (0, Position::START, false));
    store_events(&store, "a", 0..2_600).await;
    store_other(&store, "red", "r", "Opened", 1).await;
    store_events(&store, "b", 0..40).await;
    let last = read(&store, all()).await.last().expect("there are events").position;
    let requests =
        [all(), all().event_types(["Opened"]), all().stream_types(["red"]), all().streams([StreamId::new("red", "r")])];
    for mut request in requests {
        let whole = read(&store, request.clone()).await;
        let mut events = Vec::new();
        loop {
            let page = store.read_page(&request).await.expect("a page can be read");
            assert_eq!(page.history, store.history().await.expect("a history"));
            assert!(page.events.iter().all(|event| event.position > request.after && event.position <= page.upto));
            assert!(page.upto > request.after || !page.more, "a page that is not the last moves on");
            events.extend(page.events);
            request = request.go_on(page.upto);
            if !page.more {
                break;
            }
        }
        assert_eq!(request.after, last, "the last page ends at the frontier");
        assert_eq!(events, whole);
    }
}

async fn resume<S: EventStore>(store: S) {
    store_eight(&store).await;
    let history = store.history().await.expect("a history");
    for (index, event) in read(&store, all()).await.iter().enumerate() {
        let kept = serde_json::to_string(&Checkpoint::behind(event, history)).expect("a checkpoint is JSON");
        let kept: Checkpoint = serde_json::from_str(&kept).expect("and can be read back");
        assert_eq!(numbers(&read(&store, ReadAll::resume(kept)).await), (index as u64 + 1..8).collect::<Vec<_>>());
        let filtered = ReadAll::resume(kept).event_types(["Opened"]);
        assert_eq!(read(&store, filtered).await.len(), (7 - index) / 2);
    }
}

async fn resume_elsewhere<S: EventStore>(store: S) {
    store_events(&store, "a", 0..3).await;
    let history = store.history().await.expect("a history");
    let last = read(&store, all()).await.remove(2);
    let mut another = Checkpoint::behind(&last, history);
    another.event_id = EventId::now();
    let mut nobody = Checkpoint::behind(&last, history);
    nobody.position = Position::new(last.position.get() + 1_000);
    let mut nowhere = nobody;
    nowhere.position = Position::START;
    // The event is there, but in another history those before it may be gone.
    let elsewhere = Checkpoint::behind(&last, history).assume_complete_in(HistoryId::new());
    match store.read_page(&ReadAll::resume(elsewhere)).await {
        Err(StoreError::HistoryDiverged(diverged)) => {
            assert_eq!((diverged.known, diverged.found, diverged.missing), (elsewhere.history, history, None));
        }
        other => panic!("expected another history, got {other:?}"),
    }
    let assumed = ReadAll::resume(elsewhere.assume_complete_in(history));
    assert_eq!(store.read_page(&assumed).await.expect("it goes on").upto, last.position);
    for checkpoint in [another, nobody, nowhere] {
        let refused = |error: StoreError| match error {
            StoreError::HistoryDiverged(diverged) => {
                assert_eq!((diverged.missing, diverged.found), (Some(checkpoint), history));
                assert!(diverged.to_string().contains(&checkpoint.event_id.to_string()), "{diverged}");
            }
            other => panic!("expected another history, got {other:?}"),
        };
        let request = ReadAll::resume(checkpoint);
        refused(store.read_page(&request).await.expect_err("it is not there"));
        refused(store.read_all(request.clone()).try_collect::<Vec<_>>().await.expect_err("it is not there"));
        let followed: Vec<_> = store.subscribe(request).collect().await;
        assert_eq!(followed.len(), 1, "the error is the last");
        for item in followed {
            refused(item.expect_err("it is not there"));
        }
    }
}

/// The next events of a subscription.
async fn next<S>(events: &mut S, count: usize) -> Vec<StoredEvent>
where
    S: stream::Stream<Item = Result<StoredEvent, StoreError>> + Unpin,
{
    events.take(count).try_collect().await.expect("a subscription goes on")
}

async fn subscribe<S: EventStore>(store: S) {
    store_events(&store, "a", 0..1_500).await;
    let mut events = pin!(store.subscribe(all()));
    assert_eq!(numbers(&next(&mut events, 1_500).await), (0..1_500).collect::<Vec<_>>());
    for round in 0..20 {
        // What is appended while somebody waits, and what stands when somebody comes.
        let appended = store_events(&store, "b", [2_000 + round]);
        let ((), seen) = join(appended, next(&mut events, 1)).await;
        assert_eq!(numbers(&seen), [2_000 + u64::from(round)]);
        store_events(&store, "a", [3_000 + round]).await;
        assert_eq!(numbers(&next(&mut events, 1).await), [3_000 + u64::from(round)]);
        let together = ["c", "d"].map(|id| append(id, Expected::Any, [4_000 + round]));
        let (appended, seen) = join(store.append_all(together.into()), next(&mut events, 2)).await;
        appended.expect("nothing stands against this");
        assert_eq!(numbers(&seen), [4_000 + u64::from(round); 2]);
    }
}

async fn subscribe_beside_writers<S: EventStore>(store: S) {
    const WRITERS: u32 = 8;
    const EACH: u32 = 30;
    let write = async |writer: u32| {
        for number in 0..EACH {
            store
                .append(append(&format!("w{writer}"), Expected::Any, [writer * EACH + number]))
                .await
                .expect("an append");
        }
    };
    let total = (WRITERS * EACH) as usize;
    let follow = async || {
        let mut events = pin!(store.subscribe(all()));
        next(&mut events, total).await
    };
    let halves = async || {
        let mut seen = {
            let mut events = pin!(store.subscribe(all()));
            next(&mut events, total / 2).await
        };
        let after = seen.last().expect("half of them").position;
        let mut events = pin!(store.subscribe(ReadAll::after(after)));
        seen.extend(next(&mut events, total - total / 2).await);
        seen
    };
    let writers = futures_util::future::join_all((0..WRITERS).map(write));
    let (_, (one, two)) = join(writers, join(follow(), halves())).await;
    let all = read(&store, all()).await;
    assert_eq!(all.len(), total);
    assert_eq!(one, all);
    assert_eq!(two, all);
}

async fn filtered_subscriber<S: EventStore>(store: S) {
    store_events(&store, "a", 0..2_500).await;
    let request = all().event_types(["Opened"]);
    let mut events = pin!(store.subscribe(request.clone()));
    let mut pages = pin!(store.subscribe_pages(request));
    let mut upto = Position::START;
    for round in 0..3 {
        store_events(&store, "a", [round]).await;
        let last = read(&store, all()).await.last().expect("there are events").position;
        // It tells how far it has come, though there is nothing for it.
        while upto < last {
            let page = pages.try_next().await.expect("it goes on").expect("it does not end");
            assert!(page.events.is_empty() && page.upto > upto, "{page:?}");
            upto = page.upto;
        }
        assert_eq!(upto, last);
        let (seen, ()) = join(next(&mut events, 1), store_other(&store, "red", "r", "Opened", round)).await;
        assert_eq!(numbers(&seen), [u64::from(round)]);
        let page = pages.try_next().await.expect("it goes on").expect("it does not end");
        assert_eq!(page.events, seen);
        upto = page.upto;
    }
}

async fn dropped_subscriber<S: EventStore>(store: S) {
    store_events(&store, "a", 0..30).await;
    let mut after = Position::START;
    let mut seen = Vec::new();
    for _ in 0..10 {
        let mut events = pin!(store.subscribe(ReadAll::after(after)));
        seen.extend(next(&mut events, 3).await);
        after = seen.last().expect("three of them").position;
    }
    assert_eq!(numbers(&seen), (0..30).collect::<Vec<_>>());
    // Dropped while it waits.
    {
        let mut events = pin!(store.subscribe(ReadAll::after(after)));
        let meanwhile = pin!(async {
            for _ in 0..10 {
                read(&store, all()).await;
            }
        });
        assert!(matches!(select(events.next(), meanwhile).await, Either::Right(_)), "there is nothing to see");
    }
    let mut events = pin!(store.subscribe(ReadAll::after(after)));
    let (seen, ()) = join(next(&mut events, 1), store_events(&store, "b", [77])).await;
    assert_eq!(numbers(&seen), [77]);
}

async fn subscription_ends<S: EventStore>(store: S) {
    store_events(&store, "a", 0..3).await;
    let events = read(&store, all()).await;
    let until = events[2].position;
    let seen: Vec<_> = store.subscribe(all().until(until)).try_collect().await.expect("it ends");
    assert_eq!(seen, events);
    let seen: Vec<_> = store.subscribe(ReadAll::after(until).until(until)).try_collect().await.expect("it ends");
    assert_eq!(seen, []);
    // An end that is still to come.
    let end = Position::new(until.get() + 1);
    let following = store.subscribe(all().until(end)).try_collect::<Vec<_>>();
    let more = Append::new(super::stream("b"), Expected::Any, vec![event(3), event(4)]);
    let (seen, _) = join(following, store.append(more)).await;
    assert_eq!(seen.expect("it ends").last().map(|event| event.position), Some(end));
}
