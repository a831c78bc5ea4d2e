//! Snapshots, written off the command's path by a bounded queue and one task that empties it; and looked at as they stand.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use es_core::{
    recorded::{Position, StreamId, StreamVersion},
    store::{KeptSnapshot, NewSnapshot, ReadStream, StoreError},
};
use sqlx::{Row as _, postgres::PgRow};
use tokio::sync::{mpsc, oneshot};

use crate::{
    connections::Failure,
    error,
    row::{self, signed, unreadable, unsigned},
    store::Parts,
};

/// How many snapshots may wait. A further one is dropped: the next command on its stream brings a newer.
const QUEUE: usize = 1_024;

/// The way into the queue.
#[derive(Debug)]
pub(crate) struct SnapshotWriter {
    queue: mpsc::Sender<Request>,
    /// The other end, until the task takes it.
    waiting: Mutex<Option<mpsc::Receiver<Request>>>,
}

#[derive(Debug)]
enum Request {
    Write(NewSnapshot),
    Flush(oneshot::Sender<()>),
}

impl SnapshotWriter {
    pub(crate) fn new() -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        Self { queue, waiting: Mutex::new(Some(waiting)) }
    }

    /// Starts the task. It ends when the last clone of the store is dropped.
    pub(crate) fn start(&self, parts: &Arc<Parts>) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waiting) = waiting {
            tokio::spawn(write_all(Arc::downgrade(parts), waiting));
        }
    }

    pub(crate) fn take_in(&self, snapshot: NewSnapshot) {
        if let Err(error) = self.queue.try_send(Request::Write(snapshot)) {
            tracing::debug!(%error, "a snapshot was dropped");
        }
    }

    pub(crate) async fn flush(&self) {
        let (done, finished) = oneshot::channel();
        if self.queue.send(Request::Flush(done)).await.is_ok() {
            let _ = finished.await;
        }
    }
}

async fn write_all(parts: Weak<Parts>, mut waiting: mpsc::Receiver<Request>) {
    while let Some(request) = waiting.recv().await {
        match request {
            Request::Write(snapshot) => {
                let Some(parts) = parts.upgrade() else { return };
                write(&parts, &snapshot).await;
            }
            Request::Flush(done) => {
                let _ = done.send(());
            }
        }
    }
}

/// Writes one snapshot. A failure costs only time at the next load, so it is told to operators and no one else.
async fn write(parts: &Parts, snapshot: &NewSnapshot) {
    let answer = match try_write(parts, snapshot).await {
        // Nobody knows yet that the connections are dead; the next is a new one.
        Err(Failure::Lost(_)) => try_write(parts, snapshot).await,
        answer => answer,
    };
    if let Err(failure) = answer {
        tracing::warn!(stream = %snapshot.stream, version = %snapshot.version, ?failure, "a snapshot was not written");
    }
}

/// The server may have got another history since the snapshot was taken: there, its events may be lost, and others stand at
/// their versions.
async fn try_write(parts: &Parts, snapshot: &NewSnapshot) -> Result<(), Failure> {
    let lease = parts.connections.lease().await.map_err(Failure::NotSent)?;
    if snapshot.history.is_some_and(|history| history != lease.history()) {
        lease.give_back();
        return Ok(());
    }
    let query = sqlx::query(parts.statements.snapshot.clone())
        .bind(snapshot.stream.stream_type())
        .bind(snapshot.stream.id())
        .bind(signed(snapshot.version.get()))
        .bind(signed(snapshot.position.get()))
        .bind(snapshot.fingerprint)
        .bind(&snapshot.state);
    lease.fetch(query).await.map(drop)
}

/// The snapshot of a stream as it stands, whatever its fingerprint.
pub(crate) async fn kept(parts: &Parts, stream: &StreamId) -> Result<Option<KeptSnapshot>, StoreError> {
    ReadStream::new(stream.clone()).check()?;
    let rows = parts
        .connections
        .fetch(|| sqlx::query(parts.statements.kept_snapshot.clone()).bind(stream.stream_type()).bind(stream.id()))
        .await
        .map_err(|failure| error::store_error("looking for a snapshot", failure))?;
    rows.first().map(snapshot).transpose().map_err(unreadable)
}

fn snapshot(row: &PgRow) -> Result<KeptSnapshot, sqlx::Error> {
    let (version, position) = (unsigned(row.try_get(0)?), unsigned(row.try_get(1)?));
    let state = row::json(row, 3)?.unwrap_or_default();
    let fingerprint: String = row.try_get(2)?;
    Ok(KeptSnapshot::new(StreamVersion::new(version), Position::new(position), fingerprint, state))
}
