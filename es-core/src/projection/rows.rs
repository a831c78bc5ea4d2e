//! A read model in memory.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
};

use futures_util::StreamExt as _;

use super::{ProjectionError, ReadModel, row};
use crate::{
    handler::Row,
    recorded::{Envelope, Position},
    store::{EventStore, ReadAll, StoreError, StoredEvent},
};

/// The rows of a read model in memory, for caches and tests. It reads from where it stopped, so each event is folded
/// once.
///
/// ```
/// use es_core::{prelude::*, projection::Rows};
/// # #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
/// # struct LampId(String);
/// # #[derive(Event, Serialize, Deserialize, Clone, Debug)]
/// # struct LampLit {}
/// # #[derive(EventSet, Debug)]
/// # enum LampEvent { Lit(LampLit) }
/// # #[derive(Aggregate, Default, Debug)]
/// # #[aggregate(name = "lamp", id = LampId, event = LampEvent)]
/// # struct Lamp {}
/// # #[event_handler]
/// # impl Lamp { fn lit(&mut self, _: &LampLit) {} }
/// # struct Light;
/// # #[command_handler]
/// # impl Lamp {
/// #     fn light(_: &Light) -> Result<LampLit, std::convert::Infallible> { Ok(LampLit {}) }
/// # }
/// # #[derive(ReadModel, Debug)]
/// # #[read_model(table = "lamps")]
/// # struct LampSummary { #[read_model(key)] id: LampId, times_lit: u64 }
/// # #[event_handler]
/// # impl LampSummary { fn lit(&mut self, _: &LampLit) { self.times_lit += 1; } }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// let id = LampId("hall".into());
/// store.repository::<Lamp>().execute(&id, Light).await?;
///
/// let mut summaries = Rows::<LampSummary>::new();
/// summaries.catch_up(&store).await?;
/// assert_eq!(summaries.get(&id).map(|summary| summary.times_lit), Some(1));
/// # Ok(()) }
/// ```
pub struct Rows<R: ReadModel> {
    rows: HashMap<R::Key, R>,
    position: Position,
}

/// A key, and its row where it has one.
type Kept<R> = (<R as ReadModel>::Key, Option<R>);

impl<R: ReadModel> Rows<R> {
    /// No rows, at the start of all events.
    pub fn new() -> Self {
        Self { rows: HashMap::new(), position: Position::START }
    }

    /// The row of a key.
    pub fn get(&self, key: &R::Key) -> Option<&R> {
        self.rows.get(key)
    }

    /// All rows, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &R> {
        self.rows.values()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The position of the last event that was folded or passed over.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Folds all events behind the [position](Self::position), up to the frontier.
    ///
    /// # Errors
    /// [`ProjectionError`]; the rows stand where the event before it left them, and the next call begins with it again.
    pub async fn catch_up<S: EventStore>(&mut self, store: &S) -> Result<(), ProjectionError> {
        let mut events = std::pin::pin!(store.read_all(ReadAll::after(self.position)));
        while let Some(stored) = events.next().await {
            self.apply(&stored?)?;
        }
        Ok(())
    }

    /// Folds one event. One at the [position](Self::position) or before it has been folded already, and changes nothing.
    ///
    /// # Errors
    /// [`ProjectionError`]; nothing has changed.
    pub fn apply(&mut self, stored: &StoredEvent) -> Result<(), ProjectionError> {
        if stored.position <= self.position {
            return Ok(());
        }
        let keys = R::keys(stored)?;
        if !keys.is_empty() {
            let envelope = R::envelope(stored)?;
            let before = if R::MAY_FAIL { self.copies(&keys)? } else { Vec::new() };
            if let Err(error) = keys.into_iter().try_for_each(|key| self.fold(key, stored, &envelope)) {
                self.put_back(before);
                return Err(error);
            }
        }
        self.position = stored.position;
        Ok(())
    }

    /// Copies of rows, by way of their columns: a read model need not be `Clone`.
    fn copies(&self, keys: &[R::Key]) -> Result<Vec<Kept<R>>, StoreError> {
        let copy = |key: &R::Key| match self.rows.get(key).map(row::through_columns).transpose() {
            Ok(copy) => Ok((key.clone(), copy)),
            Err(source) => Err(StoreError::Backend { doing: "copying a row of a read model", source: source.into() }),
        };
        keys.iter().map(copy).collect()
    }

    /// Undoes what a handler has done before it failed.
    fn put_back(&mut self, rows: Vec<Kept<R>>) {
        for (key, row) in rows {
            match row {
                Some(row) => drop(self.rows.insert(key, row)),
                None => drop(self.rows.remove(&key)),
            }
        }
    }

    /// Passes over everything up to there, which has been looked at and is nothing for this read model.
    pub(super) fn pass(&mut self, upto: Position) {
        self.position = self.position.max(upto);
    }

    /// Puts a row into the place of the one with its key.
    #[cfg(feature = "testing")]
    pub(crate) fn replace(&mut self, row: R) {
        self.rows.insert(row.key().clone(), row);
    }

    fn fold(&mut self, key: R::Key, stored: &StoredEvent, envelope: &Envelope) -> Result<(), ProjectionError> {
        match self.rows.entry(key) {
            Entry::Occupied(mut row) => {
                if row.get_mut().fold(stored, envelope)? == Row::Delete {
                    drop(row.remove());
                }
            }
            Entry::Vacant(place) => {
                let mut row = R::begin(place.key().clone());
                if row.fold(stored, envelope)? == Row::Keep {
                    place.insert(row);
                }
            }
        }
        Ok(())
    }
}

impl<R: ReadModel> Default for Rows<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: ReadModel + fmt::Debug> fmt::Debug for Rows<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Rows").field("position", &self.position).field("rows", &self.rows.values()).finish()
    }
}
