//! Copying a store into another: from memory into a database, from one database into another, and back.
//!
//! [`copy`] copies whatever implements [`CopyStore`] into whatever else does. [The guide](crate::copying) has the story.

mod archived;
mod canonical;
mod chain;
mod error;
mod parts;
mod reader;
mod run;
mod verify;

use std::future::Future;

pub use self::{
    chain::CopyHash,
    error::{CopyError, Difference},
    parts::{ArchivedChange, CopiedEvent, CopyPage, CopyProgress, Import, ImportError},
    run::{CopyPhase, CopyReport, CopyStatus, Copying, Verification},
};
use crate::store::{EventStore, ReadAll, StoreError};

/// Copies all that is in `source` into `target`, which is empty or such a copy already, and goes on where an earlier copy
/// ended or was interrupted. What it does is said by [`Copying`]; `.await` runs it.
///
/// ```
/// use es_core::{copy::copy, prelude::*};
/// # use es_core::{EventSchema, StreamId, store::{Append, Expected, NewEvent, ReadStream}};
/// # use futures_util::TryStreamExt as _;
/// # fn lit(lamp: &str) -> Append {
/// #     let event = NewEvent::new(EventSchema::new("LampLit", 1), "{}".into(), Metadata::at(Utc::now()));
/// #     Append::new(StreamId::new("lamp", lamp), Expected::Any, vec![event])
/// # }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (source, target) = (MemoryStore::new(), MemoryStore::new());
/// source.append(lit("hall")).await?;
/// let report = copy(&source, &target).await?;
/// assert_eq!((report.copied, report.events), (1, 1));
///
/// source.append(lit("stairs")).await?;
/// let report = copy(&source, &target).await?;
/// assert_eq!((report.copied, report.events), (1, 2));
/// # Ok(()) }
/// ```
pub fn copy<'a, S: CopyStore, T: CopyStore>(source: &'a S, target: &'a T) -> Copying<'a, S, T> {
    Copying::new(source, target)
}

/// A store that can be copied, and can be made a copy of another.
///
/// # The contract
///
/// **Reading.** [`read_copy`](Self::read_copy) is [`read_page`](EventStore::read_page) with what an append left beside its
/// events: its name and its size, on the first of them.
///
/// **Importing.** [`import`](Self::import) stores all events of a batch or none, in their order, at positions that the store
/// gives out itself, and everything else of them as it is: version, event id, time of recording, name and size of the append.
/// How far the copy has come is changed in the same transaction. It does so only where the progress is the one that is
/// known, so that of two copies one loses, and where there is no event behind the last that was copied, also none of an
/// append that is not finished yet. To readers and subscribers an import is an append. That a stream is archived does not
/// matter.
///
/// **Repeats.** What was appended to the source and is appended again to the finished copy is answered with the first
/// result, as in the source.
///
/// **Cancellation.** A dropped future of [`import`](Self::import) leaves the batch stored as a whole or not at all.
pub trait CopyStore: EventStore {
    /// The next part of the order over all streams, with all that is to be copied of it. The request has no filter.
    ///
    /// # Errors
    /// As [`read_page`](EventStore::read_page).
    fn read_copy(&self, read: &ReadAll) -> impl Future<Output = Result<CopyPage, StoreError>> + Send;

    /// How far this store has been made a copy of another; `None` where it never was.
    fn copy_progress(&self) -> impl Future<Output = Result<Option<CopyProgress>, StoreError>> + Send;

    /// Stores events behind those that were copied, and that the copy has come so far, together; answers how far that is.
    ///
    /// # Errors
    /// [`ImportError::Moved`] where the progress is not the known one, and then [`ImportError::Foreign`] where there is an
    /// event behind it: in both cases nothing was stored.
    fn import(&self, import: Import) -> impl Future<Output = Result<CopyProgress, ImportError>> + Send;

    /// Archives streams of a copy at the times given, also those that are archived already, and puts others back into use:
    /// all of them or none. Each stream has events.
    ///
    /// # Errors
    /// [`ImportError::Moved`] where the progress is not the known one.
    fn import_archived(
        &self,
        known: &CopyProgress,
        changes: Vec<ArchivedChange>,
    ) -> impl Future<Output = Result<(), ImportError>> + Send;
}
