//! Writers with transactions of their own: appends within them, prepared ones, and plain SQL.

use std::{borrow::Cow, sync::Arc, time::Duration};

use es_core::store::{Append, StoreError};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, error::DatabaseError};
use tokio::time::sleep;

use crate::{
    account::movement,
    dice::Dice,
    reader::reconnect,
    request::{Bank, Size, appends, places, stream, tokens_of},
    witness::{Witness, one_more},
};

/// A writer on a connection of its own.
pub(crate) struct Writer {
    pub(crate) url: String,
    pub(crate) bank: Bank,
    pub(crate) size: Size,
    pub(crate) witness: Arc<Witness>,
    pub(crate) dice: Dice,
    /// Whether its transactions ask for a commit that does not wait for the disk. The store turns that off again, or a
    /// crash would lose what is acknowledged, and give its positions to others.
    pub(crate) hasty: bool,
}

/// How an attempt at a transaction ended that did not commit.
enum Ended {
    /// Nothing of it is stored; whether to send the same again.
    RolledBack { again: bool },
    /// The connection is lost, perhaps behind the commit.
    Lost,
}

impl Writer {
    /// Appends within transactions, of which some are rolled back. What has an unknown outcome is run again, until it is
    /// known.
    pub(crate) async fn append_within(mut self, mut next: impl FnMut() -> Option<u64>) {
        let mut connection = reconnect(&self.url).await;
        while let Some(first) = next() {
            let appends = appends(first, self.size);
            let commits = !self.dice.one_in(3);
            let tokens = tokens_of(first, &appends);
            while self.witness.accusation().is_none() {
                match self.attempt(&mut connection, first, &appends, commits).await {
                    Ok(()) => break,
                    Err(Ended::RolledBack { again: true }) => {}
                    Err(Ended::RolledBack { again: false }) => {
                        one_more(&self.witness.counts.rolled_back);
                        self.witness.refused(tokens);
                        break;
                    }
                    Err(Ended::Lost) => {
                        connection = reconnect(&self.url).await;
                        if !commits {
                            self.witness.refused(tokens);
                            break;
                        }
                        one_more(&self.witness.counts.unknown);
                    }
                }
            }
        }
    }

    async fn attempt(
        &mut self,
        connection: &mut PgConnection,
        first: u64,
        appends: &[Append],
        commits: bool,
    ) -> Result<(), Ended> {
        let level = self.dice.pick(&["read committed", "read committed", "repeatable read", "serializable"]);
        let begin = AssertSqlSafe(format!("begin transaction isolation level {level}"));
        let mut transaction = connection.begin_with(begin).await.map_err(|_| Ended::Lost)?;
        if self.hasty {
            transaction.execute("set local synchronous_commit = off").await.map_err(|_| Ended::Lost)?;
        }
        let appended = match self.bank.store.append_all_in(&mut transaction, appends.to_vec()).await {
            Ok(appended) => appended,
            Err(StoreError::RetryTransaction { .. }) => {
                return transaction
                    .rollback()
                    .await
                    .map_err(|_| Ended::Lost)
                    .and(Err(Ended::RolledBack { again: true }));
            }
            Err(error) if error.is_unavailable() => return Err(Ended::Lost),
            Err(error) => {
                self.witness.accuse(format_args!("an answer that no fault excuses: {error:?}"));
                return Err(Ended::Lost);
            }
        };
        if self.dice.one_in(4) {
            sleep(Duration::from_millis(self.dice.roll(20))).await;
        }
        if !commits {
            let _ = transaction.rollback().await;
            return Err(Ended::RolledBack { again: false });
        }
        match transaction.commit().await {
            Ok(()) => {
                self.witness.acknowledged(&places(first, appends, &appended));
                Ok(())
            }
            Err(error) if code(&error).as_deref() == Some("40001") => Err(Ended::RolledBack { again: true }),
            Err(_) => Err(Ended::Lost),
        }
    }

    /// Prepares transactions and ends them later, across whatever happens to the server in between.
    pub(crate) async fn prepare(mut self, mut next: impl FnMut() -> Option<u64>) {
        let mut connection = reconnect(&self.url).await;
        let pause = |dice: &mut Dice| sleep(Duration::from_millis(dice.within(1..400)));
        while let Some(first) = next() {
            // An account of its own, because a prepared transaction keeps others away from its streams.
            let account = u32::try_from(1_000_000 + first % 1_000_000_000).unwrap_or(u32::MAX);
            let events = self.dice.within(1..5);
            let tokens: Vec<u64> = (first..first + events).collect();
            let Ok(mut transaction) = connection.begin().await else {
                connection = reconnect(&self.url).await;
                continue;
            };
            self.witness.together(tokens.clone());
            let inserted = insert(&mut transaction, account, 1, &tokens).await;
            pause(&mut self.dice).await;
            // sqlx does not know of prepared transactions; its own rollback behind it finds nothing to do.
            let prepared = match inserted {
                Ok(()) => transaction.execute(AssertSqlSafe(format!("prepare transaction '{first}'"))).await.is_ok(),
                Err(_) => false,
            };
            drop(transaction);
            if prepared {
                one_more(&self.witness.counts.prepared);
                pause(&mut self.dice).await;
            }
            let commits = self.dice.one_in(2);
            if !commits {
                self.witness.refused(tokens);
            }
            loop {
                let word = if commits { "commit" } else { "rollback" };
                let ended = connection.execute(AssertSqlSafe(format!("{word} prepared '{first}'"))).await;
                match ended.map_err(|error| code(&error)) {
                    // 42704: there is none of that name: it was never prepared, or ended before the answer was lost.
                    Ok(_) => break,
                    Err(Some(code)) if code == "42704" => break,
                    Err(_) => {
                        connection = reconnect(&self.url).await;
                        // Readers come back, too, and must wait for it.
                        pause(&mut self.dice).await;
                    }
                }
            }
        }
    }
}

/// The SQLSTATE of an error, if the server said it.
pub(crate) fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(DatabaseError::code).map(Cow::into_owned)
}

/// Inserts events past the store, as any program could.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    account: u32,
    version: u64,
    tokens: &[u64],
) -> Result<(), sqlx::Error> {
    let payload = |token: &u64| serde_json::to_string(&movement(*token)).expect("it is plain");
    sqlx::query(
        "insert into es.events (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata)
         select 'account', $1, $2 + number - 1, 'Moved', 1, id, payload::jsonb, '{\"occurred_at\":\"2026-01-01T00:00:00Z\"}'
         from unnest($3::uuid[], $4::text[]) with ordinality as new (id, payload, number) order by number",
    )
    .bind(stream(account).id())
    .bind(version.cast_signed())
    .bind(tokens.iter().map(|_| uuid::Uuid::now_v7()).collect::<Vec<_>>())
    .bind(tokens.iter().map(payload).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map(|_| ())
}
