//! What the tests of this crate share: opening stores, making events, and a line that can be cut.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use es_postgres::{PostgresConfig, PostgresStore};
use es_tests::database::Database;
use futures_util::future::join;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use uuid::Uuid;

pub(crate) use crate::stores::{append, positions, read_all, stored, stream};

/// A migrated store on the test's database, with connections of its own.
///
/// Like all stores of these tests but those that are about migrations, it runs with the rights of a role that only runs.
pub(crate) async fn open(database: &Database) -> PostgresStore {
    connect(database.url()).await
}

pub(crate) async fn connect(url: &str) -> PostgresStore {
    connect_with(url, PostgresConfig::new()).await
}

/// As its owner, a store is migrated, and rights are granted; as the other role it is opened.
pub(crate) async fn connect_with(url: &str, config: PostgresConfig) -> PostgresStore {
    prepare(url, config.clone()).await;
    PostgresStore::connect_with(&as_runtime(url), config).await.expect("the database is there")
}

/// A store in a schema of its own.
pub(crate) async fn open_schema(database: &Database, schema: &str) -> PostgresStore {
    let config = PostgresConfig::new().schema(schema);
    prepare(database.url(), config.clone()).await;
    PostgresStore::connect_with(&as_runtime(database.url()), config).await.expect("the database is there")
}

async fn prepare(url: &str, config: PostgresConfig) {
    let role = runtime_role(url);
    let mut connection = PgConnection::connect(url).await.expect("the database is there");
    let create = format!(
        "do $$ begin create role {role}; exception when duplicate_object or unique_violation then null; end $$"
    );
    connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(create))).await.expect("the role is there");
    connection.close().await.expect("it is closed");
    let owner = PostgresStore::connect_with(url, config).await.expect("the database is there");
    owner.migrate().await.expect("it can be migrated");
    owner.grant_runtime(&role).await.expect("rights can be granted");
    owner.close().await;
}

/// The role that only runs, in the database of this address. It is dropped with the database.
pub(crate) fn runtime_role(url: &str) -> String {
    let options: sqlx::postgres::PgConnectOptions = url.parse().expect("the URL is one");
    format!("{}_runs", options.get_database().expect("the URL names a database"))
}

/// The same address, for connections that begin as the role that only runs.
pub(crate) fn as_runtime(url: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}options=-c%20role%3D{}", runtime_role(url))
}

/// As [`connect`], without the notifications, whose answers would come at any time.
pub(crate) async fn connect_quietly(url: &str) -> PostgresStore {
    let config = PostgresConfig::new().without_notify();
    let store = PostgresStore::connect_with(url, config).await.expect("the database is there");
    store.migrate().await.expect("it can be migrated");
    store
}

pub(crate) async fn open_with(
    database: &Database,
    set: impl FnOnce(PostgresConfig) -> PostgresConfig,
) -> PostgresStore {
    connect_with(database.url(), set(PostgresConfig::new())).await
}

/// A connection beside the store, as another program would have it.
pub(crate) async fn raw(database: &Database) -> PgConnection {
    PgConnection::connect(database.url()).await.expect("the database is there")
}

/// Runs statements as they stand.
pub(crate) async fn run(connection: &mut PgConnection, sql: &str) {
    let answer = connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))).await;
    answer.unwrap_or_else(|error| panic!("`{sql}`: {error}"));
}

/// Inserts one event beside the store, as a transaction of the user's would.
pub(crate) async fn insert(connection: &mut PgConnection, id: &str, version: i64) -> i64 {
    sqlx::query_scalar(
        "insert into es.events (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata)
         values ('test', $1, $2, 'Tested', 1, $3, '{}', '{\"occurred_at\":\"2026-01-01T00:00:00Z\"}')
         returning position",
    )
    .bind(id)
    .bind(version)
    .bind(Uuid::now_v7())
    .fetch_one(connection)
    .await
    .expect("an event can be inserted")
}

/// Waits until a statement waits for an open transaction, and so has been sent; and says whose process it is.
pub(crate) async fn until_one_waits(connection: &mut PgConnection) -> i32 {
    let waiting = "select pid from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock' and state = 'active'";
    loop {
        if let Some(pid) = sqlx::query_scalar(waiting).fetch_optional(&mut *connection).await.expect("a look") {
            return pid;
        }
    }
}

/// Waits until so many statements wait for an open transaction at once.
pub(crate) async fn until_so_many_wait(connection: &mut PgConnection, many: i64) {
    let waiting = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock' and state = 'active'";
    loop {
        let found: i64 = sqlx::query_scalar(waiting).fetch_one(&mut *connection).await.expect("a look");
        if found == many {
            return;
        }
    }
}

/// Lets nothing be stored before all has been asked for, however long this program is kept from asking: then what goes together
/// does not depend on the machine.
pub(crate) async fn asked_together<T>(database: &Database, asked: impl Future<Output = T>) -> T {
    let (mut holder, mut looker) = (raw(database).await, raw(database).await);
    let mut hold = holder.begin().await.expect("a transaction");
    sqlx::query("lock table es.events in share mode").execute(&mut *hold).await.expect("a lock");
    let release = async {
        until_one_waits(&mut looker).await;
        hold.rollback().await.expect("a rollback");
    };
    join(asked, release).await.0
}

/// How many events a stream has, by a look past the store.
pub(crate) async fn count(connection: &mut PgConnection, id: &str) -> i64 {
    sqlx::query_scalar("select count(*) from es.events where stream_id = $1")
        .bind(id)
        .fetch_one(connection)
        .await
        .expect("events can be counted")
}

/// A line between store and server that loses answers when told to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line(Arc<AtomicU8>);

const UP: u8 = 0;
/// Throw the next answer away, close its connection, and be up again.
const LOSE: u8 = 1;
const LOST: u8 = 2;
/// Throw the next answer away, and then let nobody through.
const CUT: u8 = 3;
const DOWN: u8 = 4;
/// Throw the next answer away, leave its connection open, and be up again.
const SWALLOW: u8 = 5;
/// Throw away whatever is sent, and leave all connections open.
const SILENT: u8 = 6;

impl Line {
    pub(crate) fn lose_next_answer(&self) {
        self.0.store(LOSE, Ordering::SeqCst);
    }

    /// Whether an answer was lost since it was asked for.
    pub(crate) fn lost_one(&self) -> bool {
        self.0.swap(UP, Ordering::SeqCst) == LOST
    }

    pub(crate) fn cut_after_next_answer(&self) {
        self.0.store(CUT, Ordering::SeqCst);
    }

    /// Lets nobody through from here on; open connections are closed when they next bring an answer.
    pub(crate) fn cut(&self) {
        self.0.store(DOWN, Ordering::SeqCst);
    }

    pub(crate) fn swallow_next_answer(&self) {
        self.0.store(SWALLOW, Ordering::SeqCst);
    }

    /// Swallows all that either side sends from here on, and says so to nobody.
    pub(crate) fn swallow(&self) {
        self.0.store(SILENT, Ordering::SeqCst);
    }

    pub(crate) fn mend(&self) {
        self.0.store(UP, Ordering::SeqCst);
    }

    /// Whether an answer may pass.
    fn lets_through(&self) -> bool {
        let lose = self.0.compare_exchange(LOSE, LOST, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        let cut = self.0.compare_exchange(CUT, DOWN, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        !lose && !cut && self.0.load(Ordering::SeqCst) != DOWN
    }

    fn is_down(&self) -> bool {
        self.0.load(Ordering::SeqCst) == DOWN
    }

    fn is_silent(&self) -> bool {
        self.0.load(Ordering::SeqCst) == SILENT
    }

    /// Whether an answer disappears.
    fn swallows(&self) -> bool {
        self.0.compare_exchange(SWALLOW, LOST, Ordering::SeqCst, Ordering::SeqCst).is_ok() || self.is_silent()
    }
}

/// The test's database through a line of our own, and the line.
pub(crate) async fn through(database: &Database) -> (String, Line) {
    let options: sqlx::postgres::PgConnectOptions = database.url().parse().expect("the URL is one");
    let server = format!("{}:{}", options.get_host(), options.get_port());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let line = Line::default();
    tokio::spawn({
        let line = line.clone();
        async move {
            while let Ok((client, _)) = listener.accept().await {
                if !line.is_down() {
                    let server = TcpStream::connect(&server).await.expect("the server listens");
                    tokio::spawn(carry(client, server, line.clone()));
                }
            }
        }
    });
    let url = sqlx::ConnectOptions::to_url_lossy(&options.host("127.0.0.1").port(address.port()));
    (url.to_string(), line)
}

async fn carry(client: TcpStream, server: TcpStream, line: Line) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let forth = tokio::spawn({
        let line = line.clone();
        async move {
            let mut buffer = vec![0; 64 * 1_024];
            while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
                if !line.is_silent() && to_server.write_all(&buffer[..read]).await.is_err() {
                    break;
                }
            }
        }
    });
    let mut buffer = vec![0; 64 * 1_024];
    while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
        if line.swallows() {
            continue;
        }
        if !line.lets_through() || to_client.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
    // Both halves are dropped: the client sees its connection end.
    forth.abort();
}
