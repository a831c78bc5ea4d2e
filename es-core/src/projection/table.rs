//! Reading the rows of a read model.

use std::{fmt, marker::PhantomData};

use futures_core::future::BoxFuture;

use super::{IntoArguments, ProjectionId, ProjectionStore, ReadModel, condition::unused_argument, row};
use crate::store::{InvalidRequest, StoreError};

/// The rows of a read model in a store, as its engine has left them; from [`ProjectionStore::read_model`].
///
/// Where the store has a query language, the rows are an ordinary table of it, in which all other ways to read are open too.
pub struct Table<R, S> {
    store: S,
    rows: PhantomData<fn() -> R>,
}

impl<R: ReadModel, S: ProjectionStore> Table<R, S> {
    pub(super) fn new(store: S) -> Self {
        Self { store, rows: PhantomData }
    }

    /// The row of a key.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::OtherVersion`] where readers see another version of the read model, and its columns
    /// are not those of the struct. Where they fit the rows of the other version are what readers see, and so the answer.
    pub async fn get(&self, key: &R::Key) -> Result<Option<R>, StoreError> {
        let row = self.store.find_row(&R::table(), &key.to_string()).await;
        match row.and_then(|row| row.as_deref().map(decode).transpose()) {
            Err(error) => Err(self.explained(error).await),
            row => row,
        }
    }

    /// The rows for which a condition holds, in the store's own language, with what may follow it; `$1` and so on stand for
    /// the arguments.
    ///
    /// ```
    /// # use es_core::{StoreError, projection::{ProjectionStore, ReadModel}};
    /// # async fn low<R: ReadModel, S: ProjectionStore>(store: &S) -> Result<Vec<R>, StoreError> {
    /// store.read_model::<R>().fetch("balance < $1 order by balance limit 10", (100,)).await
    /// # }
    /// ```
    ///
    /// Where all rows are meant, what may follow stands alone: `order by`, `limit` and `offset` need no condition before them.
    ///
    /// ```
    /// # use es_core::{StoreError, projection::{ProjectionStore, ReadModel}};
    /// # async fn top<R: ReadModel, S: ProjectionStore>(store: &S) -> Result<Vec<R>, StoreError> {
    /// store.read_model::<R>().fetch("order by balance desc limit $1", (10,)).await
    /// # }
    /// ```
    ///
    /// The condition is sent as it is: never put what others typed into it, but into the arguments.
    ///
    /// # Errors
    /// As [`get`](Self::get); and what the store says of the condition.
    // Boxed, because the compiler repeats what an argument lacks for each expression whose type names it.
    pub fn fetch<'a>(
        &'a self,
        condition: &'a str,
        arguments: impl IntoArguments,
    ) -> BoxFuture<'a, Result<Vec<R>, StoreError>> {
        let arguments = arguments.into_arguments();
        Box::pin(async move {
            if let Some(number) = unused_argument(condition, arguments.len()) {
                return Err(InvalidRequest::ArgumentUnused { number }.into());
            }
            let rows = self.store.find_rows(&R::table(), condition, arguments).await;
            match rows.and_then(|rows| rows.iter().map(|row| decode(row)).collect()) {
                Err(error) => Err(self.explained(error).await),
                rows => rows,
            }
        })
    }

    /// All rows, in no order.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn all(&self) -> Result<Vec<R>, StoreError> {
        self.fetch("", ()).await
    }

    /// What could not be read says that it is of another version, where readers see one.
    async fn explained(&self, error: StoreError) -> StoreError {
        let StoreError::Backend { doing, source } = error else { return error };
        let (name, wanted) = (R::TABLE, R::table().version);
        let roster = self.store.roster(&[ProjectionId { name, version: wanted }]).await.unwrap_or_default();
        match roster.active.iter().find(|active| active.name == name && active.version != wanted) {
            Some(active) => StoreError::OtherVersion { read_model: name, wanted, active: active.version, source },
            None => StoreError::Backend { doing, source },
        }
    }
}

fn decode<R: ReadModel>(row: &[u8]) -> Result<R, StoreError> {
    row::decode(row)
        .map_err(|source| StoreError::Backend { doing: "reading a row of a read model", source: source.into() })
}

impl<R, S: Clone> Clone for Table<R, S> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), rows: PhantomData }
    }
}

impl<R: ReadModel, S> fmt::Debug for Table<R, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Table").field(&R::TABLE).finish()
    }
}
