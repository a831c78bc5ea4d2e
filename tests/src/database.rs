//! Tests that need PostgreSQL: each gets a database of its own.
//!
//! A test is an `async fn` that takes a [`Database`]; it fails by panicking. The file that holds the tests has
//! `harness = false` in its `[[test]]` section and this `main`:
//!
//! ```no_run
//! use es_tests::database::{self, Database};
//!
//! fn main() -> std::process::ExitCode {
//!     database::run(es_tests::database_tests![the_database_is_empty])
//! }
//!
//! async fn the_database_is_empty(database: Database) {
//!     assert!(database.url().contains("es_test_"));
//! }
//! ```
//!
//! Filters, `--list`, `--test-threads` and test runners such as nextest work as they do with the built-in harness.
//!
//! # The server
//!
//! `DATABASE_URL` names it, and the role in it must be allowed to create databases. `scripts/test` starts a server and
//! sets the variable. Without the variable the tests are reported as ignored and one line on standard error says so;
//! with `ES_REQUIRE_DATABASE=1` that is a failure instead, so that a pipeline cannot leave them out by accident.
//!
//! A test's database is dropped when the test has ended, however it ended. Only a test process that is killed leaves
//! its databases behind; their names begin with `es_test_`.

use std::{
    env, fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    process::ExitCode,
    time::Duration,
};

use libtest_mimic::{Arguments, Failed, Trial};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, postgres::PgConnectOptions};
use uuid::Uuid;

/// A server that does not answer at all would otherwise hold up the test for as long as the system's network code
/// likes, which is minutes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Tasks that a test left behind get this long before its database is taken away from under them.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// The database of one test: empty, used by nobody else, dropped when the test has ended.
#[derive(Clone)]
pub struct Database {
    name: String,
    url: String,
    admin_url: String,
}

impl Database {
    /// Where to connect to this database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where to connect to the server's own database, the one that `DATABASE_URL` names.
    ///
    /// For what cannot be done from within the test's database, such as terminating all connections to it. It is shared
    /// by all tests that run at the same time: leave nothing in it.
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// The database's name, `es_test_` and a random part. It needs no quoting in SQL.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Leaves out the addresses, which may contain a password and would end up in the output of a failed assertion.
impl fmt::Debug for Database {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Database").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One test, as [`database_tests!`](crate::database_tests) lists it.
#[derive(Debug)]
pub struct DatabaseTest {
    name: &'static str,
    module: &'static str,
    run: fn(Database) -> TestFuture,
}

/// What a test's `async fn` returns. It need not be `Send`: it runs where it was started.
type TestFuture = Pin<Box<dyn Future<Output = ()>>>;

impl DatabaseTest {
    /// Used by [`database_tests!`](crate::database_tests), which fills in the names.
    #[doc(hidden)]
    pub fn new(name: &'static str, module: &'static str, run: fn(Database) -> TestFuture) -> Self {
        Self { name, module, run }
    }

    /// The name of the test file, which is the name of the crate that it is compiled to.
    fn file(&self) -> &'static str {
        self.module.split("::").next().unwrap_or(self.module)
    }
}

/// Lists tests for [`run`]: the names of functions, with their modules if they are in some.
///
/// Each is an `async fn(Database)`. Like a `#[test]`, a test that is in no list would be reported by the compiler as
/// never used.
#[macro_export]
macro_rules! database_tests {
    ($($test:path),* $(,)?) => {
        ::std::vec![$(
            $crate::database::DatabaseTest::new(
                ::std::stringify!($test),
                ::std::module_path!(),
                |database| ::std::boxed::Box::pin($test(database)),
            )
        ),*]
    };
}

/// Runs the tests as the command line says; for `main`.
///
/// Each test has a Tokio runtime of its own with two worker threads, so that its tasks run in parallel and none
/// outlives it.
pub fn run(tests: Vec<DatabaseTest>) -> ExitCode {
    let arguments = Arguments::from_args();
    let file = tests.first().map_or("", DatabaseTest::file);
    let server = variable("DATABASE_URL");
    let trials: Vec<Trial> = tests.into_iter().map(|test| trial(&test, server.clone())).collect();

    if server.is_none() && !arguments.list {
        let left_out = trials.iter().filter(|trial| !arguments.is_filtered_out(trial)).count();
        let tests = if left_out == 1 { "test" } else { "tests" };
        if left_out > 0 && variable("ES_REQUIRE_DATABASE").is_some_and(|value| value != "0") {
            eprintln!(
                "{left_out} {tests} of `{file}` cannot run: ES_REQUIRE_DATABASE is set, but DATABASE_URL is not; \
                 run `scripts/test`, or set DATABASE_URL"
            );
            return ExitCode::FAILURE;
        }
        if left_out > 0 && !arguments.ignored && !arguments.include_ignored {
            eprintln!(
                "left out: {left_out} {tests} of `{file}` that need PostgreSQL; run `scripts/test`, or set DATABASE_URL"
            );
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// An environment variable that is set to something; an empty one counts as not set.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn trial(test: &DatabaseTest, server: Option<String>) -> Trial {
    let ignored = server.is_none();
    let run = test.run;
    let runner = move || {
        // Reached without a server only if the command line asks for ignored tests.
        let server = server.ok_or("DATABASE_URL is not set; run `scripts/test`, or set it")?;
        run_in_own_database(run, &server)
    };
    // A path that a macro has put together is written with spaces.
    Trial::test(test.name.replace(' ', ""), runner).with_ignored_flag(ignored)
}

fn run_in_own_database(test: fn(Database) -> TestFuture, server: &str) -> Result<(), Failed> {
    let server = Server::new(server)?;
    let database = server.create_database()?;
    let name = database.name.clone();

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(test(database))));
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);

    let dropped = server.drop_database(&name);
    if let Err(panic) = outcome {
        // The test's own failure is what its author has to see.
        if let Err(failed) = dropped {
            eprintln!("{}", failed.message().unwrap_or_default());
        }
        resume_unwind(panic);
    }
    dropped
}

/// The server at `DATABASE_URL`.
struct Server {
    url: String,
    options: PgConnectOptions,
}

impl Server {
    /// Messages name host, port, role and database, never the address itself: it may contain a password.
    fn new(url: &str) -> Result<Self, Failed> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err("DATABASE_URL does not begin with `postgres://`".into());
        }
        let options = url
            .parse()
            .map_err(|error| format!("DATABASE_URL is not `postgres://user:password@host:port/database`: {error}"))?;
        Ok(Self { url: url.to_owned(), options })
    }

    fn create_database(&self) -> Result<Database, Failed> {
        let name = format!("es_test_{}", Uuid::new_v4().simple());
        // The other template may have connections, and PostgreSQL does not copy a database that has.
        self.execute(&format!("CREATE DATABASE {name} TEMPLATE template0"))?;
        let url = with_database(&self.url, &name);
        Ok(Database { name, url, admin_url: self.url.clone() })
    }

    /// With force, because a failed test does not close its connections. A test that needs a role of its own calls it as
    /// the database, followed by `_runs`, and it goes along: its rights were in this database only.
    fn drop_database(&self, name: &str) -> Result<(), Failed> {
        self.execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))?;
        self.execute(&format!("DROP ROLE IF EXISTS {name}_runs"))
    }

    /// One statement on a connection and a runtime of its own: what the test does to its runtime has no effect here.
    fn execute(&self, statement: &str) -> Result<(), Failed> {
        let work = async {
            let mut connection = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&self.options))
                .await
                .map_err(|_| format!("{} does not answer; is DATABASE_URL right?", self.place()))?
                .map_err(|error| format!("cannot connect to {}: {error}; is DATABASE_URL right?", self.place()))?;
            sqlx::query(AssertSqlSafe(statement))
                .execute(&mut connection)
                .await
                .map_err(|error| format!("`{statement}` failed on {}: {error}", self.place()))?;
            connection.close().await.map_err(Failed::from)
        };
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
    }

    fn place(&self) -> String {
        let options = &self.options;
        let host = options.get_socket().map_or_else(|| options.get_host().into(), |socket| socket.to_string_lossy());
        format!(
            "the PostgreSQL server at {host}, port {}, as {}, database {}",
            options.get_port(),
            options.get_username(),
            options.get_database().unwrap_or(options.get_username()),
        )
    }
}

/// The same address with another database.
///
/// The text is changed rather than built again from its parsed form, which would lose the parameters that sqlx does
/// not give back, such as `options`.
fn with_database(url: &str, database: &str) -> String {
    let url = url.split_once('#').map_or(url, |(url, _fragment)| url);
    let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query)));
    let authority = address.find("://").map_or(0, |scheme| scheme + "://".len());
    let end = address[authority..].find('/').map_or(address.len(), |path| authority + path);
    // In the query, `dbname` would take precedence over the path.
    let query: Vec<&str> =
        query.into_iter().flat_map(|query| query.split('&')).filter(|pair| !pair.starts_with("dbname=")).collect();
    let separator = if query.is_empty() { "" } else { "?" };
    format!("{}/{database}{separator}{}", &address[..end], query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_in_an_address() {
        for (url, expected) in [
            ("postgres://me@127.0.0.1:5433/postgres", "postgres://me@127.0.0.1:5433/x"),
            ("postgres://me:pass@host", "postgres://me:pass@host/x"),
            ("postgres://me@host/?sslmode=disable", "postgres://me@host/x?sslmode=disable"),
            ("postgres://me@host?sslmode=disable", "postgres://me@host/x?sslmode=disable"),
            ("postgres:///a?host=/run/a/b&dbname=c&user=me", "postgres:///x?host=/run/a/b&user=me"),
            ("postgresql://me@[::1]:1/a?dbname=b#c", "postgresql://me@[::1]:1/x"),
        ] {
            assert_eq!(with_database(url, "x"), expected, "{url}");
        }
    }

    #[test]
    fn messages_do_not_contain_the_password() {
        // Nothing listens on port 1.
        for url in
            ["postgres://me:secret@127.0.0.1:1/a", "postgres://me:secret@127.0.0.1:x/a", "mysql://me:secret@host/a"]
        {
            let failed = Server::new(url).and_then(|server| server.create_database()).expect_err(url);
            let message = failed.message().expect("a message");
            assert!(!message.contains("secret"), "{message}");
            assert!(message.contains("DATABASE_URL"), "{message}");
        }
    }

    #[test]
    fn a_database_shows_its_name_but_not_its_password() {
        let url = "postgres://me:secret@host/a".to_owned();
        let database = Database { name: "es_test_1".to_owned(), url: url.clone(), admin_url: url };
        assert_eq!(format!("{database:?}"), "Database { name: \"es_test_1\", .. }");
    }
}
