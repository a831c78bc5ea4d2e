//! What engines made of the events, held against the events.

use std::{
    collections::HashMap,
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::PathBuf,
};

use sqlx::PgConnection;

use crate::witness::Witness;

/// The differences between tables and events, in one view of the data.
const DIFFERENCES: &str = include_str!("agreement.sql");

/// How many events of each account the reactor's shards have passed.
const DELIVERED: &str = "
    select accounts.id, count(*) from accounts
    join es.projection_shards as shards on shards.name = 'courier' and shards.shard = accounts.courier
    join es.events on events.stream_id = accounts.id and events.position <= shards.position
    group by accounts.id";

/// Reads what the reactor has written, and compares.
#[derive(Debug)]
pub(crate) struct Agreement {
    path: PathBuf,
    /// Up to here the file was read.
    offset: u64,
    deliveries: Deliveries,
}

/// What was delivered.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    /// The ids of each account's deliveries, by version.
    ids: HashMap<String, Vec<String>>,
    /// How many were made again.
    pub(crate) again: u64,
}

impl Deliveries {
    /// Takes a line; one that was cut off is none.
    pub(crate) fn take(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<_> = line.split(' ').collect();
        let [id, account, version, "."] = words[..] else { return Ok(()) };
        let Ok(version) = version.parse::<usize>() else { return Ok(()) };
        let ids = self.ids.entry(account.to_owned()).or_default();
        match version.checked_sub(1).and_then(|before| ids.get(before)) {
            Some(known) if known == id => self.again += 1,
            Some(known) => return Err(format!("version {version} of {account} was delivered as {known} and as {id}")),
            None if version == ids.len() + 1 => ids.push(id.to_owned()),
            None => return Err(format!("version {version} of {account} was delivered behind version {}", ids.len())),
        }
        Ok(())
    }

    /// How many events of an account were delivered.
    pub(crate) fn of(&self, account: &str) -> usize {
        self.ids.get(account).map_or(0, Vec::len)
    }
}

impl Agreement {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, offset: 0, deliveries: Deliveries::default() }
    }

    /// How many deliveries were made again.
    pub(crate) fn again(&self) -> u64 {
        self.deliveries.again
    }

    /// How many events of an account were delivered.
    pub(crate) fn delivered(&self, account: &str) -> usize {
        self.deliveries.of(account)
    }

    /// Compares, whatever is going on meanwhile.
    pub(crate) async fn check(&mut self, connection: &mut PgConnection, witness: &Witness) -> Result<(), sqlx::Error> {
        let found: Vec<(String, String, String)> = sqlx::query_as(DIFFERENCES).fetch_all(&mut *connection).await?;
        for (what, account, which) in found {
            witness.accuse(format_args!("{what}: {account}: {which}"));
        }
        let passed: Vec<(String, i64)> = sqlx::query_as(DELIVERED).fetch_all(connection).await?;
        // What a shard has passed was in the file before.
        self.read().unwrap_or_else(|found| witness.accuse(found));
        for (account, passed) in passed {
            let delivered = self.deliveries.of(&account);
            if usize::try_from(passed).is_ok_and(|passed| delivered < passed) {
                witness.accuse(format_args!("of {account} {passed} events were passed, and {delivered} delivered"));
            }
        }
        witness.check();
        Ok(())
    }

    /// Reads on, up to the last whole line.
    fn read(&mut self) -> Result<(), String> {
        let mut text = Vec::new();
        let mut file = File::open(&self.path).map_err(|error| error.to_string())?;
        file.seek(SeekFrom::Start(self.offset)).map_err(|error| error.to_string())?;
        file.read_to_end(&mut text).map_err(|error| error.to_string())?;
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        self.offset += u64::try_from(whole).unwrap_or(0);
        for line in String::from_utf8_lossy(&text[..whole]).lines() {
            self.deliveries.take(line)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Deliveries;

    fn take(lines: &[&str]) -> Result<u64, String> {
        let mut deliveries = Deliveries::default();
        for line in lines {
            deliveries.take(line)?;
        }
        Ok(deliveries.again)
    }

    #[test]
    fn deliveries_come_in_order_and_again_only_as_they_were() {
        assert_eq!(take(&["a a1 1 .", "b a2 1 .", "", "c a1", "c a1 2 .", "a a1 1 ."]), Ok(1));
        assert!(take(&["a a1 2 ."]).is_err_and(|found| found.contains("behind")));
        assert!(take(&["a a1 1 .", "b a1 1 ."]).is_err_and(|found| found.contains("delivered as")));
    }
}
