//! Read models whose rows change in the transaction of the append itself.
//!
//! `send.rs` is such an append, `rows.rs` what it does to the rows; `change.rs` lists a read model and takes it off again.
//! Which ones are in effect is the database's to say, under a lock of each such append; here is only which of them this
//! store can change.

mod change;
mod rows;
mod send;
mod statements;

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use es_core::{
    projection::{InlineError, InlineReadModel, ProjectionId},
    store::{Append, StoreError},
};

use self::statements::InlineStatements;
pub(crate) use self::{
    change::{activate, take_off, take_off_older},
    send::send,
};
use crate::{connections::Failure, error, row::unreadable, statements::Statements, store::Parts};

/// What the store has for them.
#[derive(Debug)]
pub(crate) struct Inline {
    statements: InlineStatements,
    enlisted: RwLock<Vec<Arc<dyn InlineReadModel>>>,
    /// Whether there are any: most stores have none, and pay a load for it.
    any: AtomicBool,
}

impl Inline {
    pub(crate) fn new(statements: &Statements) -> Self {
        Self { statements: InlineStatements::new(statements), enlisted: RwLock::default(), any: AtomicBool::new(false) }
    }

    /// From here on appends change the rows of this one, while it is in effect.
    pub(crate) fn enlist(&self, read_model: Arc<dyn InlineReadModel>) {
        let mut enlisted = self.enlisted.write().unwrap_or_else(PoisonError::into_inner);
        enlisted.retain(|known| known.schema().id != read_model.schema().id);
        enlisted.push(read_model);
        enlisted.sort_by_key(|known| known.schema().id);
        self.any.store(true, Ordering::SeqCst);
    }

    /// Those that handle an event of these appends, by name and version.
    pub(crate) fn concerned<'a>(&self, appends: impl IntoIterator<Item = &'a Append>) -> Vec<Arc<dyn InlineReadModel>> {
        if !self.any.load(Ordering::SeqCst) {
            return Vec::new();
        }
        let enlisted = self.enlisted.read().unwrap_or_else(PoisonError::into_inner);
        let mut concerned = vec![false; enlisted.len()];
        for event in appends.into_iter().flat_map(|append| &append.events) {
            for (concerned, read_model) in concerned.iter_mut().zip(enlisted.iter()) {
                *concerned = *concerned || read_model.handles(event.schema.name);
            }
        }
        enlisted.iter().zip(concerned).filter(|(_, concerned)| *concerned).map(|(one, _)| Arc::clone(one)).collect()
    }
}

/// As the guard knows a read model.
fn guarded_name(id: ProjectionId) -> String {
    format!("{}@{}", id.name, id.version)
}

/// The same as everything else displays it: `piles v1`.
pub(crate) fn displayed(guarded_name: &str) -> String {
    guarded_name.replacen('@', " v", 1)
}

/// Refuses what would concern a read model in effect that this store is to change, where that is not done. One that it is
/// not to change is left to the guard.
pub(crate) async fn refuse_concerned(parts: &Parts, appends: &[&Append]) -> Result<(), StoreError> {
    if parts.inline.concerned(appends.iter().copied()).is_empty() {
        return Ok(());
    }
    let types: Vec<_> = appends.iter().flat_map(|append| &append.events).map(|event| event.schema.name).collect();
    let asked = || sqlx::query(parts.inline.statements.blocking.clone()).bind(&types);
    let failed = |failure: Failure| error::store_error("asking for inline read models", failure);
    let rows = parts.connections.fetch(asked).await.map_err(failed)?;
    match rows.first() {
        Some(row) => {
            let guarded: &str = sqlx::Row::try_get(row, 0).map_err(unreadable)?;
            let read_model = displayed(guarded);
            Err(Box::new(InlineError::InTransaction { read_model }).into())
        }
        None => Ok(()),
    }
}
