//! A copy from its beginning to its end.

use std::{fmt, future::IntoFuture, mem};

use futures_core::future::BoxFuture;
use futures_util::{FutureExt as _, future};

use super::{
    CopyStore, archived,
    chain::CopyHash,
    error::CopyError,
    parts::{CopiedEvent, CopyProgress, Import},
    verify::{self, Stretch},
};
use crate::{
    recorded::Position,
    store::{Checkpoint, HistoryId, ReadAll},
};

/// How many events are stored in one transaction, unless it is said otherwise.
const BATCH: usize = 1_000;
/// The payloads and metadata of a batch of several events, in bytes.
const BATCH_BYTES: usize = 4 * 1_024 * 1_024;

/// A copy of one store into another; made by [`copy`](super::copy), run by `.await`.
///
/// It copies every event, in its order and with its version, event id, metadata and time, under the key of its append; and
/// which streams are archived. Positions are given out by the target, in the same order. Snapshots and projections are not
/// copied: they are made of the events, and the target's programs make their own.
///
/// It ends when it has come to the end of the source, as that is then, and when source and target were read once more and
/// are the same. The source may be written to all the time. To the target nobody else must append before the last copy into
/// it has ended: then it is a store of its own, and no copy goes into it any more.
///
/// However it is interrupted, the target says how far it has come, and the next run goes on there.
///
/// ```
/// # use es_core::copy::{CopyError, CopyReport, CopyStore, Verification, copy};
/// async fn switch_over<S: CopyStore, T: CopyStore>(old: &S, new: &T) -> Result<CopyReport, CopyError> {
///     // While programs still write to the old one: nearly everything.
///     copy(old, new).observe(|status| println!("{} events", status.events)).await?;
///     // When they have been stopped: the rest, quickly.
///     copy(old, new).verify(Verification::New).await
/// }
/// ```
#[must_use = "a copy begins when it is awaited"]
pub struct Copying<'a, S, T> {
    source: &'a S,
    target: &'a T,
    until: Option<Position>,
    verification: Verification,
    batch: usize,
    prove_source: bool,
    observer: Box<dyn FnMut(CopyStatus) + Send + 'a>,
}

/// What is read again, on both sides, when all is copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verification {
    /// All events, from the first.
    #[default]
    All,
    /// Only the events that were copied by this run.
    New,
    /// Nothing: what is copied is believed to be stored.
    Nothing,
}

/// What a copy is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyPhase {
    /// It reads again what an earlier run copied from a source with another history.
    Proving,
    /// It copies.
    Copying,
    /// It reads both sides again.
    Verifying,
}

/// How far a copy has come, for a progress bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyStatus {
    /// What it is at.
    pub phase: CopyPhase,
    /// How many events are copied in all, or were read again.
    pub events: u64,
    /// Where it stands in the source.
    pub position: Position,
    /// Where it goes to in the source: while copying, the end as it was when the copy began, which it may go beyond.
    pub end: Position,
}

/// What a copy did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyReport {
    /// How many events this run copied.
    pub copied: u64,
    /// How many events are copied in all.
    pub events: u64,
    /// How many streams are archived, in all.
    pub archived: u64,
    /// The position in the source of the last event; [`Position::START`] where there is none.
    pub source: Position,
    /// The position of the same event in the target.
    pub target: Position,
    /// The hash of all events that are copied.
    pub hash: CopyHash,
    /// How many events were read again on both sides, and are the same.
    pub verified: u64,
}

impl<'a, S: CopyStore, T: CopyStore> Copying<'a, S, T> {
    pub(super) fn new(source: &'a S, target: &'a T) -> Self {
        let observer = Box::new(|_| ());
        let verification = Verification::default();
        Self { source, target, until: None, verification, batch: BATCH, prove_source: false, observer }
    }

    /// Tells, batch by batch, how far it has come. Runs between the batches, and should be quick.
    pub fn observe(mut self, observer: impl FnMut(CopyStatus) + Send + 'a) -> Self {
        self.observer = Box::new(observer);
        self
    }

    /// Ends at this position of the source, or before it, where the source ends there. Unless this is called, a copy goes on
    /// until it has once come to the end of the source.
    pub fn until(mut self, position: Position) -> Self {
        self.until = Some(position);
        self
    }

    /// What is read again at the end; by default all of it.
    pub fn verify(mut self, verification: Verification) -> Self {
        self.verification = verification;
        self
    }

    /// At most so many events in one transaction of the target, at least one; by default 1,000. No batch of several events has
    /// more than 4 MiB.
    pub fn batch(mut self, events: usize) -> Self {
        self.batch = events.max(1);
        self
    }

    /// Accepts a source that has another history than the one from which the target was copied, as after a failover, a
    /// restore, or a copy of its files, if it still has all that was copied. All of that is read once more to see it.
    pub fn prove_source(mut self) -> Self {
        self.prove_source = true;
        self
    }

    async fn run(mut self) -> Result<CopyReport, CopyError> {
        let (source, target) = future::join(self.source.history(), self.target.history()).await;
        let (source, target) = (source.map_err(CopyError::Source)?, target.map_err(CopyError::Target)?);
        if source == target {
            return Err(CopyError::SameStore);
        }
        let begun = self.target.copy_progress().await.map_err(CopyError::Target)?;
        check_target(self.target, begun.as_ref(), target).await?;
        let read = self.begin(begun.as_ref(), source).await?;
        let end = self.source.settled().await.map_err(CopyError::Source)?;
        let mut pass = Pass { copy: &mut self, source, end, progress: begun };
        pass.copy_events(read).await?;
        let progress = pass.progress;
        // Nothing was ever copied: there is nothing to archive or to read again.
        let Some(progress) = progress else { return Ok(report(None, None, 0, 0)) };
        let archived = archived::copy(self.source, self.target, &progress).await?;
        let stretch = match self.verification {
            Verification::All => Stretch { after: None, upto: progress },
            Verification::New => Stretch { after: begun, upto: progress },
            Verification::Nothing => Stretch { after: Some(progress), upto: progress },
        };
        let verified = verify::events(self.source, self.target, (source, target), &stretch, &mut self.observer).await?;
        check_target(self.target, Some(&progress), target).await?;
        Ok(report(begun, Some(progress), archived, verified))
    }

    /// Where in the source it goes on.
    async fn begin(&mut self, begun: Option<&CopyProgress>, source: HistoryId) -> Result<ReadAll, CopyError> {
        let Some(begun) = begun else { return Ok(ReadAll::after(Position::START)) };
        if begun.source.history == source {
            return Ok(ReadAll::resume(begun.source));
        }
        if !self.prove_source {
            return Err(CopyError::AnotherSource { known: begun.source.history, found: source });
        }
        verify::prefix(self.source, source, begun, &mut self.observer).await?;
        Ok(ReadAll::resume(begun.source.assume_complete_in(source)))
    }
}

/// Refuses a target that has other events than those that were copied, at its end.
async fn check_target<T: CopyStore>(
    target: &T,
    known: Option<&CopyProgress>,
    history: HistoryId,
) -> Result<(), CopyError> {
    let read = known.map_or(ReadAll::after(Position::START), |known| {
        ReadAll::resume(Checkpoint::new(known.target, known.source.event_id, history))
    });
    let page = target.read_page(&read).await.map_err(CopyError::of_target)?;
    // A copy that runs at the same time has appended these, and says how far it has come.
    let Some(event) = page.events.into_iter().next() else { return Ok(()) };
    if target.copy_progress().await.map_err(CopyError::Target)?.as_ref() != known {
        return Err(CopyError::Overtaken);
    }
    let (stream, version, position) = (event.stream, event.version, event.position);
    Err(match known {
        Some(_) => CopyError::AppendedBetween { stream, version, position },
        None => CopyError::NotACopy { stream, version, position },
    })
}

/// The events on their way.
struct Pass<'p, 'a, S, T> {
    copy: &'p mut Copying<'a, S, T>,
    source: HistoryId,
    end: Position,
    progress: Option<CopyProgress>,
}

impl<S: CopyStore, T: CopyStore> Pass<'_, '_, S, T> {
    /// Page after page, up to the end; while one is stored the next is read.
    async fn copy_events(&mut self, mut read: ReadAll) -> Result<(), CopyError> {
        read.until = self.copy.until;
        let source = self.copy.source;
        let mut page = source.read_copy(&read).await.map_err(CopyError::of_source)?;
        loop {
            if page.history != self.source {
                return Err(CopyError::AnotherSource { known: self.source, found: page.history });
            }
            read = read.go_on(page.upto);
            if !page.more {
                return self.import(page.events).await;
            }
            let (imported, next) = future::join(self.import(page.events), source.read_copy(&read)).await;
            imported?;
            page = next.map_err(CopyError::of_source)?;
        }
    }

    async fn import(&mut self, events: Vec<CopiedEvent>) -> Result<(), CopyError> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        for event in events {
            let more = event.bytes();
            if batch.len() >= self.copy.batch || (!batch.is_empty() && bytes + more > BATCH_BYTES) {
                self.import_batch(mem::take(&mut batch)).await?;
                bytes = 0;
            }
            bytes += more;
            batch.push(event);
        }
        self.import_batch(batch).await
    }

    async fn import_batch(&mut self, events: Vec<CopiedEvent>) -> Result<(), CopyError> {
        let Some(last) = events.last() else { return Ok(()) };
        let known = self.progress;
        let (total, hash) = known.map_or((0, CopyHash::EMPTY), |known| (known.events, known.hash));
        let source = Checkpoint::behind(&last.event, self.source);
        let total = total + events.len() as u64;
        let hash = events.iter().fold(hash, CopyHash::then);
        let imported = self.copy.target.import(Import { known, events, source, total, hash }).await;
        let progress = imported.map_err(|error| CopyError::of_import(error, known.is_some()))?;
        self.progress = Some(progress);
        let (position, end) = (source.position, self.end.max(source.position));
        (self.copy.observer)(CopyStatus { phase: CopyPhase::Copying, events: total, position, end });
        Ok(())
    }
}

fn report(begun: Option<CopyProgress>, ended: Option<CopyProgress>, archived: u64, verified: u64) -> CopyReport {
    let events = |progress: Option<CopyProgress>| progress.map_or(0, |progress| progress.events);
    CopyReport {
        copied: events(ended) - events(begun),
        events: events(ended),
        archived,
        source: ended.map_or(Position::START, |ended| ended.source.position),
        target: ended.map_or(Position::START, |ended| ended.target),
        hash: ended.map_or(CopyHash::EMPTY, |ended| ended.hash),
        verified,
    }
}

impl<'a, S: CopyStore, T: CopyStore> IntoFuture for Copying<'a, S, T> {
    type Output = Result<CopyReport, CopyError>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.run().boxed()
    }
}

impl<S, T> fmt::Debug for Copying<'_, S, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Copying")
            .field("until", &self.until)
            .field("verification", &self.verification)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}
