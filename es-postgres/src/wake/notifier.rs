//! Telling other processes of appends.
//!
//! A NOTIFY takes a lock of the whole database from before the commit until behind it, so within an append's transaction
//! it would have all appends wait for each other. This one follows the commit: a statement of its own, on a connection
//! of its own, at most one for so many milliseconds however many appends there are.

use std::{future::Future, time::Duration};

use sqlx::{ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::Told;

/// The least time between two notifications. The first after a silence goes at once.
const INTERVAL: Duration = Duration::from_millis(10);
/// The time before the next attempt when one failed. Others poll meanwhile.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a server may take over a notification before it is given up.
const LONGEST: Duration = Duration::from_secs(10);

/// What others listen to. PostgreSQL allows 63 bytes, as for a schema's name, so that a long name is shortened here and
/// made different by its hash.
pub(super) fn channel(schema: &str) -> String {
    const PREFIX: &str = "es:";
    if PREFIX.len() + schema.len() <= 63 {
        return format!("{PREFIX}{schema}");
    }
    let hash = schema
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let start = &schema[..schema.floor_char_boundary(40)];
    format!("{PREFIX}{start}:{hash:016x}")
}

/// Tells of everything that comes through `told`, until the store is closed or dropped.
pub(super) fn run(
    options: &PgConnectOptions,
    schema: &str,
    told: &watch::Sender<Told>,
) -> impl Future<Output = ()> + Send + use<> {
    // It writes no event, so that nobody needs to wait for the disk.
    let options = options.clone().options([("synchronous_commit", "off")]);
    let (channel, mut told) = (channel(schema), told.subscribe());
    async move {
        let mut connection = None;
        let mut last = Told::default();
        while !last.closed && told.changed().await.is_ok() {
            let now = *told.borrow_and_update();
            // Without a position everybody looks by themselves.
            let payload = if now.looks == last.looks { now.appended.to_string() } else { String::new() };
            if (now.appended, now.looks) != (last.appended, last.looks) {
                let sent = timeout(LONGEST, send(&options, &mut connection, &channel, &payload)).await;
                let failed =
                    sent.map_or_else(|elapsed| Some(elapsed.to_string()), |sent| sent.err().map(|e| e.to_string()));
                if let Some(error) = failed {
                    connection = None;
                    tracing::debug!(error, "other processes were not told of an append, and will find it by polling");
                    let _ = timeout(PAUSE, told.wait_for(|told| told.closed)).await;
                }
            }
            last = now;
            if !last.closed {
                sleep(INTERVAL).await;
            }
        }
        if let Some(connection) = connection {
            let _ = timeout(LONGEST, PgConnection::close(connection)).await;
        }
    }
}

/// Sends one notification; where the connection turns out to be dead, on a new one.
async fn send(
    options: &PgConnectOptions,
    kept: &mut Option<PgConnection>,
    channel: &str,
    payload: &str,
) -> Result<(), sqlx::Error> {
    let notify = || sqlx::query("select pg_notify($1, $2)").bind(channel).bind(payload);
    if let Some(mut connection) = kept.take()
        && notify().execute(&mut connection).await.is_ok()
    {
        *kept = Some(connection);
        return Ok(());
    }
    let mut connection = options.connect().await?;
    notify().execute(&mut connection).await?;
    *kept = Some(connection);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::channel;

    #[test]
    fn a_channel_fits_and_is_another_for_another_schema() {
        assert_eq!(channel("es"), "es:es");
        let long = |last: char| channel(&format!("{}{last}", "ü".repeat(31)));
        assert!(long('a').len() <= 63 && long('a') != long('b'), "{}", long('a'));
        assert_eq!(channel(&"x".repeat(60)).len(), 63);
        assert!(channel(&"x".repeat(61)).len() <= 63);
    }
}
