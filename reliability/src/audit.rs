//! What stands on the server, held against what it promised and what readers were given.

#[cfg(test)]
mod tests;

use std::{collections::HashMap, time::Duration};

use es_core::{
    recorded::{EventId, Position},
    store::{EventStore, ReadAll, StoredEvent},
};
use es_postgres::PostgresStore;
use futures_util::TryStreamExt as _;
use sqlx::PgConnection;
use tokio::time::sleep;

use crate::{
    account::{Moved, account_of},
    reader::{Fold, Log, Reader, Table, reconnect},
    witness::{Memory, Place, Witness},
};

/// An event as it stands in the table.
#[derive(Clone, Debug)]
struct Row {
    position: i64,
    event_id: uuid::Uuid,
    stream_id: String,
    version: i64,
    token: i64,
    amount: i64,
    number: Option<i64>,
}

type Columns = (i64, uuid::Uuid, String, i64, i64, i64, Option<i64>);

impl From<Columns> for Row {
    fn from((position, event_id, stream_id, version, token, amount, number): Columns) -> Self {
        Self { position, event_id, stream_id, version, token, amount, number }
    }
}

impl Row {
    /// A stored event as a row.
    fn of(event: &StoredEvent) -> Result<Self, String> {
        let moved = serde_json::from_slice::<Moved>(&event.payload);
        let moved = moved.map_err(|error| format!("an event that nobody wrote: {event:?}: {error}"))?;
        Ok(Self {
            position: event.position.get().cast_signed(),
            event_id: event.event_id.as_uuid(),
            stream_id: event.stream.id().to_owned(),
            version: event.version.get().cast_signed(),
            token: moved.token.cast_signed(),
            amount: moved.amount.cast_signed(),
            number: moved.number.map(u64::cast_signed),
        })
    }
}

/// Goes through all events, one part behind the other; what it has seen must not change any more.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    /// Up to here it has been, over so many events.
    upto: u64,
    pub(crate) events: usize,
    /// Where the event of each token stands.
    standing: HashMap<u64, Place>,
    fold: Fold,
    /// The last part: behind which position it begins, and its events.
    behind: u64,
    part: Vec<(u64, EventId)>,
}

impl Audit {
    /// Looks at what came since the last time, while nobody writes and no transaction is open; and whether anything came
    /// in before that.
    pub(crate) async fn go_on(&mut self, url: &str, witness: &Witness, readers: &[&Reader]) {
        let mut connection = reconnect(url).await;
        let below: i64 = sqlx::query_scalar("select count(*) from es.events where position <= $1")
            .bind(self.upto.cast_signed())
            .fetch_one(&mut connection)
            .await
            .expect("a look past the store");
        if usize::try_from(below) != Ok(self.events) {
            let (upto, events) = (self.upto, self.events);
            witness.accuse(format_args!("up to position {upto} there were {events} events, and now there are {below}"));
        }
        let rows: Vec<Columns> = sqlx::query_as(
            "select position, event_id, stream_id, version, (payload->>'token')::bigint,
                 (payload->>'amount')::bigint, (payload->>'number')::bigint
             from es.events where position > $1 order by position",
        )
        .bind(self.upto.cast_signed())
        .fetch_all(&mut connection)
        .await
        .expect("a look past the store");
        let rows: Vec<Row> = rows.into_iter().map(Row::from).collect();
        self.take(&rows, &mut witness.memory()).unwrap_or_else(|found| witness.accuse(found));
        for reader in readers {
            reader.reach(self.upto, witness).await;
            let compared = self.compare(&reader.log());
            compared.unwrap_or_else(|found| witness.accuse(format_args!("{} {found}", reader.name)));
        }
        witness.check();
    }

    /// From the first event on, with all that was ever promised; and what the store shows, as well.
    pub(crate) async fn all(url: &str, store: &PostgresStore, witness: &Witness, readers: &[&Reader]) -> Self {
        let mut audit = Self::default();
        {
            let mut memory = witness.memory();
            memory.fresh = memory.places.keys().copied().collect();
        }
        audit.go_on(url, witness, readers).await;
        let shown = store.read_all(ReadAll::after(Position::START));
        let shown = shown.map_ok(|event| (event.position.get(), event.event_id)).try_collect::<Vec<_>>().await;
        match shown {
            Ok(shown) if shown == audit.part => {}
            Ok(shown) => witness.accuse(format_args!("of {} events the store shows {}", audit.part.len(), shown.len())),
            Err(error) => witness.accuse(format_args!("the store shows nothing: {error:?}")),
        }
        witness.check();
        audit
    }

    /// What the read model in the database shows, once it has come to the end.
    pub(crate) async fn table(&self, connection: &mut PgConnection, witness: &Witness) {
        loop {
            let (reached, fold) = Table::read(connection).await.expect("a look at the table");
            if reached >= self.upto {
                if fold != self.fold {
                    witness.accuse("the read model in the database differs from a fold from zero");
                }
                return witness.check();
            }
            witness.check();
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// All that stands in a store that anybody may read, from the first event on, with all that was ever promised.
    pub(crate) async fn of_store(store: &impl EventStore, witness: &Witness, readers: &[&Reader]) -> Self {
        let mut audit = Self::default();
        {
            let mut memory = witness.memory();
            memory.fresh = memory.places.keys().copied().collect();
        }
        let shown = store.read_all(ReadAll::after(Position::START)).try_collect::<Vec<_>>().await;
        let rows = shown.map(|shown| shown.iter().map(Row::of).collect::<Result<Vec<_>, _>>());
        match rows {
            Ok(Ok(rows)) => audit.take(&rows, &mut witness.memory()).unwrap_or_else(|found| witness.accuse(found)),
            Ok(Err(found)) => witness.accuse(found),
            Err(error) => witness.accuse(format_args!("the store shows nothing: {error:?}")),
        }
        for reader in readers {
            reader.reach(audit.upto, witness).await;
            let compared = audit.compare(&reader.log());
            compared.unwrap_or_else(|found| witness.accuse(format_args!("{} {found}", reader.name)));
        }
        witness.check();
        audit
    }

    /// The rows behind those seen before.
    fn take(&mut self, rows: &[Row], memory: &mut Memory) -> Result<(), String> {
        self.behind = self.upto;
        self.part.clear();
        for row in rows {
            let account = account_of(&row.stream_id).ok_or_else(|| format!("a stream that nobody wrote: {row:?}"))?;
            let place = Place {
                token: row.token.unsigned_abs(),
                account,
                version: row.version.unsigned_abs(),
                position: row.position.unsigned_abs(),
                event_id: EventId::from_uuid(row.event_id),
            };
            if let Some(before) = self.standing.insert(place.token, place) {
                return Err(format!("one event stands twice: {before:?} and {place:?}"));
            }
            let fold = self.fold.entry(account).or_default();
            fold.0 += 1;
            fold.1 += row.amount.unsigned_abs();
            if fold.0 != place.version {
                return Err(format!("by position the {}th event of its stream: {row:?}", fold.0));
            }
            if row.number.is_some_and(|number| number != row.version) {
                return Err(format!("decided upon a state that was not the last: {row:?}"));
            }
            if let Some(owner) = memory.owners.get(&place.position)
                && *owner != place.event_id
            {
                return Err(format!("its position was that of event {owner} before: {row:?}"));
            }
            if memory.never.contains(&place.token) {
                return Err(format!("it was refused or rolled back, and stands: {row:?}"));
            }
            self.part.push((place.position, place.event_id));
        }
        self.events += rows.len();
        self.upto = self.part.last().map_or(self.upto, |&(position, _)| position);
        self.promises(memory)
    }

    fn promises(&self, memory: &mut Memory) -> Result<(), String> {
        for place in memory.take_fresh() {
            let standing = self.standing.get(&place.token);
            if standing != Some(&place) {
                return Err(format!("acknowledged was {place:?}, and there is {standing:?}"));
            }
        }
        if let Some(token) = memory.committed.iter().find(|token| !self.standing.contains_key(token)) {
            return Err(format!("it was committed and is not there: token {token}"));
        }
        for group in &memory.together {
            let standing = group.iter().filter(|token| self.standing.contains_key(token)).count();
            if standing != 0 && standing != group.len() {
                return Err(format!("{standing} of {} events stand that belong together: {group:?}", group.len()));
            }
        }
        Ok(())
    }

    /// The positions of the last part.
    pub(crate) fn positions(&self) -> impl Iterator<Item = u64> {
        self.part.iter().map(|&(position, _)| position)
    }

    /// What a reader was given is what stands there, and it made of it what there is to make of it.
    fn compare(&self, log: &Log) -> Result<(), String> {
        let start = log.seen.partition_point(|&(position, _)| position <= self.behind);
        let (given, stand) = (&log.seen[start..], &self.part);
        if given != stand {
            let differs = given.iter().zip(stand).find(|(given, stands)| given != stands);
            let (given, stand) = (given.len(), stand.len());
            return Err(format!(
                "was given {given} of {stand} events; the first that differs, as given and as it stands: {differs:?}"
            ));
        }
        if log.fold != self.fold {
            return Err("has a read model that differs from a fold from zero".to_owned());
        }
        Ok(())
    }
}
