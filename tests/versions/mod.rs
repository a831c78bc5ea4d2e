//! A domain as it was at three times, each with the code of its time: what the first two stored, the third reads on every
//! path. The checks are for any store.

mod first;
mod second;
mod third;

use std::future::Future;

use es_core::{
    prelude::*,
    projection::{Rows, catch_up},
    store::{ReadAll, ReadStream, StoredEvent},
};
use futures_util::TryStreamExt as _;

use self::third::{
    Address, Lines, Log, Lose, Move, Parcel, ParcelEvent, ParcelId, ParcelMoved, ParcelSent, Sheet, Weighed,
};

/// Two parcels through all three times. `settle` waits until snapshots are written.
pub(crate) async fn every_path_reads_what_every_version_stored<S, F>(store: &S, settle: impl Fn() -> F)
where
    S: EventStore,
    F: Future<Output = ()>,
{
    let (vase, book) = ("vase", "book");
    first::run(store, vase).await;
    settle().await;
    let before_the_second = Utc::now();
    second::run(store, vase, book).await;
    settle().await;

    let parcels = store.repository::<Parcel>();
    let (vase, book) = (ParcelId(vase.to_owned()), ParcelId(book.to_owned()));

    // Loading. A snapshot of the second time has another fingerprint: it is left aside.
    let at_prague = Parcel { grams: 3_000, town: "Brno".to_owned(), places: vec!["Prague".to_owned()], lost: false };
    let loaded = parcels.load(&vase).await.expect("it exists");
    assert_eq!((&loaded.state, loaded.version.get()), (&at_prague, 4));

    // Time travel, by version and by time; version 2 is a retired event, which changes nothing and counts.
    for (version, places) in [(1, &[][..]), (2, &[]), (3, &["Prague".to_owned()]), (4, &["Prague".to_owned()])] {
        let then = parcels.load(&vase).at_version(version).await.expect("it exists");
        assert_eq!((then.version.get(), then.state.places.as_slice()), (version, places));
    }
    let then = parcels.load(&vase).at_time(before_the_second).await.expect("it exists");
    assert_eq!((then.version.get(), then.state.grams), (2, 3_000));

    // A command decides upon them; a snapshot is taken; the code of the second time, which still runs somewhere, adds one
    // more event behind it.
    let done = parcels.execute(&vase, Move { place: "Tábor".to_owned() }).await.expect("it is accepted");
    assert_eq!((done.version.get(), done.state.places.len()), (5, 2));
    settle().await;
    second::run_on(store, &vase.0).await;
    let loaded = parcels.load(&vase).await.expect("it exists");
    assert_eq!((loaded.version.get(), loaded.state.places.join(" ")), (6, "Prague Tábor Olomouc".to_owned()));
    let lost = parcels.execute(&book, Lose).idempotency_key("lost").await.expect("it is accepted");
    let again = parcels.execute(&book, Lose).idempotency_key("lost").await.expect("it is accepted");
    assert_eq!((lost.version, again.replayed, again.events.len()), (again.version, true, 1));

    // History: typed, in order, without what is retired.
    let sent = ParcelSent { to: Address { street: "Long 1".to_owned(), town: "Brno".to_owned() }, grams: 3_000 };
    let moved = |place: &str, by: &str| ParcelMoved { place: place.to_owned(), by: by.to_owned() };
    let expected: Vec<ParcelEvent> = vec![
        sent.into(),
        moved("Prague", "unknown").into(),
        Weighed { grams: 3_000 }.into(),
        moved("Tábor", "van").into(),
        moved("Olomouc", "unknown").into(),
    ];
    let history = parcels.history(&vase).all().await.expect("it can be read");
    assert_eq!(history.iter().map(|recorded| recorded.envelope.version.get()).collect::<Vec<_>>(), [1, 3, 4, 5, 6]);
    assert_eq!(history.into_iter().map(|recorded| recorded.event).collect::<Vec<_>>(), expected);

    // One stream and all streams, in the stored form and decoded.
    let stream = ReadStream::new(StreamId::new("parcel", vase.0.as_str()));
    let one: Vec<_> = store.read_stream(stream).try_collect().await.expect("it can be read");
    let versions: Vec<_> = one.iter().map(|stored| (stored.event_type.as_str(), stored.schema_version)).collect();
    let stored = [("ParcelSent", 1), ("ParcelNamed", 1), ("ParcelMoved", 1), ("Weighed", 1), ("ParcelMoved", 2)];
    assert_eq!((&versions[..5], versions[5]), (&stored[..], ("ParcelMoved", 1)));
    let decoded: Result<Vec<_>, _> = one.iter().map(StoredEvent::decode_event::<ParcelEvent>).collect();
    assert_eq!(decoded.expect("each decodes").into_iter().flatten().collect::<Vec<_>>(), expected);
    let all: Vec<_> = store.read_all(ReadAll::after(Position::START)).try_collect().await.expect("it can be read");
    let decoded: Result<Vec<_>, _> = all.into_iter().map(StoredEvent::decode::<ParcelEvent>).collect();
    assert_eq!(decoded.expect("each decodes").into_iter().flatten().count(), 7);

    // A read model and a projection.
    let mut rows = Rows::<Sheet>::new();
    rows.catch_up(store).await.expect("it can be read");
    let sheet = Sheet { parcel: vase.clone(), grams: 3_000, moves: 3, lost: false };
    assert_eq!(rows.get(&vase), Some(&sheet));
    assert_eq!(rows.get(&book), Some(&Sheet { parcel: book.clone(), grams: 500, moves: 0, lost: true }));
    let mut lines = Vec::new();
    catch_up(store, &Log, &mut Lines { lines: &mut lines }, &mut Position::START.clone())
        .await
        .expect("it can be read");
    let expected = [
        "vase to Brno",
        "vase at Prague by unknown",
        "book to Písek",
        "vase at Tábor by van",
        "vase at Olomouc by unknown",
    ];
    assert_eq!(lines, expected);
}
