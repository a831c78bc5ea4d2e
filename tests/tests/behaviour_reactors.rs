//! Reactors: what their handlers are given, and what they may fail with.

use std::sync::Mutex;

use es_core::{
    EventSchema, ProjectionError,
    prelude::*,
    projection::ReactorHandlers,
    store::{NewEvent, StoredEvent},
};

#[derive(Event, Serialize, Deserialize, Debug)]
struct LampLit {
    by: String,
}

#[derive(Event, Serialize, Deserialize, Debug)]
struct LampPutOut {}

#[derive(Event, Serialize, Deserialize, Debug)]
struct LampBroken {}

#[derive(EventSet, Debug)]
enum LampEvent {
    Lit(LampLit),
    PutOut(LampPutOut),
    Broken(LampBroken),
}

#[derive(Debug, thiserror::Error, PartialEq)]
#[error("nobody answers")]
struct NobodyAnswers;

/// What it needs is in its fields.
#[derive(Reactor, Default)]
#[reactor(name = "porter", shards = 2, policy = skip)]
struct Porter {
    calls: Mutex<Vec<String>>,
}

impl Porter {
    fn call(&self, line: String) {
        self.calls.lock().expect("it is not poisoned").push(line);
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().expect("it is not poisoned"))
    }
}

#[event_handler(covers(LampEvent), ignore(LampBroken))]
impl Porter {
    #[key(event.by)]
    async fn lit(&self, event: &LampLit, delivery: &Delivery) -> Result<(), NobodyAnswers> {
        tokio::task::yield_now().await;
        self.call(format!("{} by {}, {}", delivery.id, event.by, delivery.attempt));
        if delivery.attempt < 3 { Err(NobodyAnswers) } else { Ok(()) }
    }

    async fn put_out(&self, _: LampPutOut) {
        self.call("dark".to_owned());
    }
}

/// The envelope and the metadata will do.
#[derive(Reactor, Default)]
#[reactor(name = "log")]
struct Log {
    lines: Mutex<Vec<String>>,
}

#[event_handler]
impl Log {
    async fn lit(&self, _: &LampLit, envelope: &Envelope) {
        self.lines.lock().expect("it is not poisoned").push(envelope.stream.to_string());
    }

    async fn put_out(&self, _: &LampPutOut, metadata: &Metadata) {
        self.lines.lock().expect("it is not poisoned").push(metadata.event_id.to_string());
    }
}

fn stored(event: impl Into<LampEvent>) -> StoredEvent {
    let new = NewEvent::encode(&event.into(), Metadata::at(Utc::now())).expect("it can be encoded");
    let metadata = serde_json::to_vec(&new.metadata).expect("it can be encoded");
    StoredEvent::new(
        StreamId::new("lamp", "hall"),
        StreamVersion::new(1),
        Position::new(1),
        new.schema.name.to_owned(),
        new.schema.version,
        new.metadata.event_id,
        new.payload.into_bytes(),
        metadata,
        Utc::now(),
    )
}

fn lit() -> StoredEvent {
    stored(LampLit { by: "anna".to_owned() })
}

#[tokio::test]
async fn a_delivery_has_the_same_id_in_every_attempt() {
    let (porter, lit) = (Porter::default(), lit());
    for attempt in 1..=2 {
        let Err(ProjectionError::Handler { event_type, source, .. }) = porter.deliver(&lit, attempt).await else {
            panic!("expected Handler");
        };
        assert_eq!((event_type.as_str(), source.downcast_ref()), ("LampLit", Some(&NobodyAnswers)));
    }
    porter.deliver(&lit, 3).await.expect("somebody answers");
    let id = format!("porter/{}", lit.event_id);
    assert_eq!(porter.calls(), [1, 2, 3].map(|attempt| format!("{id} by anna, {attempt}")));
    // Another process, another day.
    Porter::default().deliver(&lit, 1).await.expect_err("nobody answers");
}

#[tokio::test]
async fn a_handler_is_given_what_it_asks_for() {
    let (log, lit, put_out) = (Log::default(), lit(), stored(LampPutOut {}));
    log.deliver(&lit, 1).await.expect("it is delivered");
    log.deliver(&put_out, 1).await.expect("it is delivered");
    log.deliver(&stored(LampBroken {}), 1).await.expect("it is passed over");
    assert_eq!(*log.lines.lock().expect("it is not poisoned"), ["lamp/hall".to_owned(), put_out.event_id.to_string()]);
}

#[tokio::test]
async fn metadata_is_decoded_where_a_handler_reads_it() {
    let porter = Porter::default();
    let mut put_out = stored(LampPutOut {});
    put_out.metadata = b"broken".to_vec();
    porter.deliver(&put_out, 1).await.expect("nobody asks for the metadata");
    assert_eq!(porter.calls(), ["dark"]);
    let mut lit = lit();
    lit.metadata = b"broken".to_vec();
    let failed = porter.deliver(&lit, 1).await;
    assert!(matches!(failed, Err(ProjectionError::Store(StoreError::Corrupt(_)))));
}

#[test]
fn a_reactor_says_what_it_is() {
    assert_eq!((Porter::NAME, Porter::SHARDS, Porter::POLICY), ("porter", 2, FailurePolicy::Skip));
    assert_eq!((Log::NAME, Log::SHARDS, Log::POLICY), ("log", 1, FailurePolicy::Stop));
    assert_eq!(Porter::EVENTS, [EventSchema::of::<LampLit>(), EventSchema::of::<LampPutOut>()]);
    assert_eq!(Porter::key(&lit()).expect("a key"), "anna");
    assert_eq!(Porter::key(&stored(LampPutOut {})).expect("a key"), "lamp/hall");
}

#[tokio::test]
async fn a_reactor_runs_as_a_task() {
    let porter = std::sync::Arc::new(Porter::default());
    let shared = porter.clone();
    tokio::spawn(async move { shared.deliver(&lit(), 3).await }).await.expect("it ends").expect("it is delivered");
    assert_eq!(porter.calls().len(), 1);
}
