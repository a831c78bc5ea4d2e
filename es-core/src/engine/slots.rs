//! Rows while events are folded into them.

use std::{
    collections::{HashMap, hash_map::Entry},
    string::FromUtf8Error,
};

use crate::{
    handler::Row,
    projection::{ProjectionError, ReadModel, RowChanges, row},
    store::{StoreError, StoredEvent},
};

/// How many rows a statement loads or writes at the most, and how many bytes it writes, about.
pub(super) const MOST_ROWS: usize = 10_000;
const MOST_BYTES: usize = 4 << 20;

const NOT_ASKED_FOR: &str = "the table has a row whose key is not the one that was asked for: the key does not come back from \
    its column as the value that was written";

/// The rows that a batch concerns, in the order in which it meets them.
pub(super) struct Slots<R: ReadModel> {
    slots: Vec<Slot<R>>,
    places: HashMap<R::Key, usize>,
}

/// A row while a batch is folded into it.
struct Slot<R: ReadModel> {
    key: R::Key,
    /// `None` before its first event, and after it was removed.
    row: Option<R>,
    /// Whether the table has it.
    stored: bool,
}

impl<R: ReadModel> Slots<R> {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), places: HashMap::new() }
    }

    /// The place of a row. One that is new is empty.
    pub(super) fn place(&mut self, key: R::Key) -> usize {
        match self.places.entry(key) {
            Entry::Occupied(place) => *place.get(),
            Entry::Vacant(entry) => {
                let place = self.slots.len();
                self.slots.push(Slot { key: entry.key().clone(), row: None, stored: false });
                *entry.insert(place)
            }
        }
    }

    /// The keys of all rows.
    pub(super) fn keys(&self) -> Vec<String> {
        self.slots.iter().map(|slot| slot.key.to_string()).collect()
    }

    /// Puts a row of the table into its place.
    pub(super) fn fill(&mut self, json: &[u8]) -> Result<(), StoreError> {
        let row: R = row::decode(json).map_err(unreadable)?;
        let slot = self.places.get(row.key()).and_then(|&place| self.slots.get_mut(place));
        let slot = slot.ok_or_else(|| unreadable(NOT_ASKED_FOR))?;
        (slot.row, slot.stored) = (Some(row), true);
        Ok(())
    }

    /// Folds an event into the row of this place.
    pub(super) fn fold(&mut self, place: usize, stored: &StoredEvent) -> Result<(), ProjectionError> {
        let Some(slot) = self.slots.get_mut(place) else { return Ok(()) };
        let envelope = R::envelope(stored)?;
        let row = slot.row.get_or_insert_with(|| R::begin(slot.key.clone()));
        if row.fold(stored, &envelope)? == Row::Delete {
            slot.row = None;
        }
        Ok(())
    }

    /// What is to be written, as a whole: for the few rows of an append.
    pub(super) fn change(self) -> Result<RowChanges, StoreError> {
        let mut pieces = self.pieces(usize::MAX, usize::MAX)?;
        Ok(pieces.pop().unwrap_or_else(|| RowChanges::new("[]".to_owned(), Vec::new())))
    }

    /// What is to be written, in pieces of which each fits a statement; one at the least.
    pub(super) fn changes(self) -> Result<Vec<RowChanges>, StoreError> {
        self.pieces(MOST_ROWS, MOST_BYTES)
    }

    fn pieces(self, rows: usize, bytes: usize) -> Result<Vec<RowChanges>, StoreError> {
        let (mut pieces, mut removed) = (Vec::new(), Vec::new());
        let mut written = Written::new();
        for Slot { key, row, stored } in self.slots {
            match row {
                Some(row) => written.push(&row).map_err(unwritable)?,
                None if stored => removed.push(key.to_string()),
                None => {}
            }
            if written.rows >= rows || written.json.len() >= bytes {
                pieces.push(RowChanges::new(written.take().map_err(unwritable)?, Vec::new()));
            }
        }
        pieces.push(RowChanges::new(written.take().map_err(unwritable)?, removed));
        Ok(pieces)
    }
}

/// Rows on their way into one statement, as a JSON array.
struct Written {
    json: Vec<u8>,
    rows: usize,
}

impl Written {
    fn new() -> Self {
        Self { json: vec![b'['], rows: 0 }
    }

    fn push<R: ReadModel>(&mut self, row: &R) -> Result<(), serde_json::Error> {
        if self.rows > 0 {
            self.json.push(b',');
        }
        self.rows += 1;
        row::encode(row, &mut self.json)
    }

    /// The array; behind it begins another.
    fn take(&mut self) -> Result<String, FromUtf8Error> {
        self.json.push(b']');
        String::from_utf8(std::mem::replace(self, Self::new()).json)
    }
}

fn unreadable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Backend { doing: "reading a row of a read model", source: source.into() }
}

fn unwritable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Backend { doing: "encoding a row of a read model", source: source.into() }
}
