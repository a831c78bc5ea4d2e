//! Appends inside a transaction of the caller's, on the caller's connection.

use es_core::store::{Append, Appended, HistoryId, StoreError};
use sqlx::{Postgres, Transaction};

use crate::{
    append::DOING,
    error, inline,
    row::unreadable,
    store::PostgresStore,
    together::{Group, Look},
};

impl PostgresStore {
    /// Stores the events of one request inside a transaction of the caller's, on the caller's connection: they are stored
    /// when it commits, together with all else that it did, or not at all.
    ///
    /// ```no_run
    /// use es_core::store::Append;
    /// use es_postgres::{PostgresStore, sqlx};
    ///
    /// # async fn run(store: PostgresStore, mut connection: sqlx::PgConnection, append: Append)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// use sqlx::Connection as _;
    ///
    /// let mut transaction = connection.begin().await?;
    /// sqlx::query("update invoices set paid = true where id = 7").execute(&mut *transaction).await?;
    /// store.append_in(&mut transaction, append).await?;
    /// transaction.commit().await?;
    /// store.wake();
    /// # Ok(()) }
    /// ```
    ///
    /// The transaction is one of sqlx, of the version that is re-exported as [`es_postgres::sqlx`](crate::sqlx), and must
    /// be in the database of this store; it uses none of the store's connections. An append is one statement, and a second
    /// one where a repeat has to be told from a conflict. Guards, keys, repeats and limits are those of
    /// [`append`](es_core::EventStore::append), as the transaction sees them: what it has appended itself is there, and
    /// under `repeatable read` and `serializable` what others committed after its first statement is not.
    ///
    /// **Until the commit** the positions in the answer are only drawn: nobody may be told of them, and after a rollback
    /// they stay empty. Readers of all events do not pass them while the transaction is open, and nobody else can append to
    /// the same stream, so keep it short, and append as late in it as can be. Call [`wake`](Self::wake) behind the commit, which
    /// the store does not see: whoever waits for new events finds these at the next poll otherwise.
    ///
    /// **Settings of the session.** `synchronous_commit = off` is turned on for this transaction: after a crash positions
    /// that others have read would be given out again. Do not turn it off behind the append. All else is left alone; for
    /// how long an append waits for another open transaction on its stream, the session's own `lock_timeout` says, which
    /// is for ever unless set.
    ///
    /// A dropped future leaves the append done or not done within the transaction: roll it back.
    ///
    /// # Errors
    /// [`StoreError::Conflict`], [`StoreError::Archived`], [`StoreError::Invalid`] and [`StoreError::HistoryDiverged`], which
    /// is also the answer where the transaction is in another database, leave the transaction as it was, and it can go on.
    /// [`StoreError::RetryTransaction`] where the database ended it for the sake of another writer, or it had ended already:
    /// roll back, and run all of it again. [`StoreError::Unavailable`] where the connection is lost, and with it the
    /// transaction, or the session's `lock_timeout` was over; [`StoreError::WrongSchema`] where the transaction's database
    /// has no tables of this store; whatever else the database reports. Behind these the transaction has ended, too. It is
    /// never [`StoreError::OutcomeUnknown`]: what was not committed was not stored.
    pub async fn append_in(
        &self,
        transaction: &mut Transaction<'_, Postgres>,
        append: Append,
    ) -> Result<Appended, StoreError> {
        append.check()?;
        let mut answers = self.send_in(transaction, Group::new(vec![append])?).await?;
        answers.pop().ok_or_else(|| unreadable(sqlx::Error::RowNotFound))
    }

    /// Stores the events of several requests, each for a stream of its own, inside a transaction of the caller's: what
    /// [`append_in`](Self::append_in) does, for all of them in one statement, or for none.
    ///
    /// # Errors
    /// As [`append_in`](Self::append_in); and [`StoreError::PartlyStored`], which leaves the transaction as it was.
    pub async fn append_all_in(
        &self,
        transaction: &mut Transaction<'_, Postgres>,
        appends: Vec<Append>,
    ) -> Result<Vec<Appended>, StoreError> {
        Append::check_all(&appends)?;
        self.send_in(transaction, Group::new(appends)?).await
    }

    async fn send_in(
        &self,
        transaction: &mut Transaction<'_, Postgres>,
        group: Group,
    ) -> Result<Vec<Appended>, StoreError> {
        let parts = &*self.parts;
        inline::refuse_concerned(parts, &group.appends().collect::<Vec<_>>()).await?;
        let failed = |source| error::in_transaction(DOING, group.first_stream(), source);
        if group.wants_history() {
            let found = sqlx::query_scalar(parts.statements.history.clone()).fetch_one(&mut **transaction).await;
            group.check_history(HistoryId::from_uuid(found.map_err(failed)?))?;
        }
        let columns = group.columns();
        let rows = columns.query_all(&parts.statements, None).fetch_all(&mut **transaction).await;
        let rows = rows.map_err(failed)?;
        let outcomes = group.outcomes(&rows).map_err(unreadable)?;
        group.answer(outcomes, &mut Look::In(parts, transaction)).await
    }
}
