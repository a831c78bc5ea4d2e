//! The harness for database tests, tried on itself.

use std::{
    env,
    ffi::OsStr,
    process::{Command, ExitCode, Output},
};

use es_tests::database::{self, Database};
use sqlx::{Connection as _, Executor as _, PgConnection};

/// Set in the runs that a test of this file makes of this file. It is the path of a file to which `prey` tests append
/// the names of their databases.
const NOTES: &str = "ES_TESTS_NOTES";

fn main() -> ExitCode {
    if env::var_os(NOTES).is_some() {
        return database::run(es_tests::database_tests![prey::succeeds, prey::fails, prey::leaves_a_task]);
    }
    database::run(es_tests::database_tests![
        databases_are_empty_and_separate_one,
        databases_are_empty_and_separate_two,
        databases_are_dropped_whatever_the_outcome,
        without_a_server_tests_are_ignored_and_one_line_says_so,
        without_a_server_that_is_required_the_run_fails,
        an_unreachable_server_fails_the_test_without_the_password,
    ])
}

/// What the other tests run in a process of their own, to see what is left of it.
mod prey {
    use std::{env, fs::OpenOptions, future, io::Write as _};

    use es_tests::database::Database;
    use sqlx::{Connection as _, PgConnection};

    use super::NOTES;

    pub(super) async fn succeeds(database: Database) {
        note(&database);
    }

    pub(super) async fn fails(database: Database) {
        note(&database);
        let _open = PgConnection::connect(database.url()).await.expect("the database is there");
        panic!("on purpose");
    }

    /// The task would keep its connection for ever.
    pub(super) async fn leaves_a_task(database: Database) {
        note(&database);
        let connection = PgConnection::connect(database.url()).await.expect("the database is there");
        tokio::spawn(async move {
            let _open = connection;
            future::pending::<()>().await;
        });
    }

    fn note(database: &Database) {
        let path = env::var_os(NOTES).expect("set by the test that started this process");
        let mut notes = OpenOptions::new().append(true).create(true).open(path).expect("a file to write to");
        // In one call, because several tests write at the same time.
        notes.write_all(format!("{}\n", database.name()).as_bytes()).expect("a file to write to");
    }
}

async fn databases_are_empty_and_separate_one(database: Database) {
    is_empty_and_ours(&database).await;
}

async fn databases_are_empty_and_separate_two(database: Database) {
    is_empty_and_ours(&database).await;
}

/// Fails in the second of two tests that were given the same database.
async fn is_empty_and_ours(database: &Database) {
    let mut connection = PgConnection::connect(database.url()).await.expect("the database is there");
    let current: String =
        sqlx::query_scalar("SELECT current_database()").fetch_one(&mut connection).await.expect("a name");
    assert_eq!(current, database.name());
    connection.execute("CREATE TABLE mine ()").await.expect("nobody has made this table");
}

async fn databases_are_dropped_whatever_the_outcome(database: Database) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let notes = folder.path().join("notes");
    let output = run_prey(&[], &[(NOTES, Some(notes.as_os_str()))]);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(101), "{text}");
    assert!(text.contains("2 passed; 1 failed; 0 ignored"), "{text}");

    let mut names: Vec<String> =
        std::fs::read_to_string(&notes).expect("the notes").lines().map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 3, "three tests have three databases: {names:?}");

    let mut connection = PgConnection::connect(database.admin_url()).await.expect("the server is there");
    let left: Vec<String> = sqlx::query_scalar("SELECT datname::text FROM pg_database WHERE datname = ANY($1)")
        .bind(&names)
        .fetch_all(&mut connection)
        .await
        .expect("a list of databases");
    assert!(left.is_empty(), "still there: {left:?}");
}

async fn without_a_server_tests_are_ignored_and_one_line_says_so(_database: Database) {
    let output = run_prey(&[], &[("DATABASE_URL", None), ("ES_REQUIRE_DATABASE", None)]);
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("0 passed; 0 failed; 3 ignored"), "{}", text(&output));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "left out: 3 tests of `database` that need PostgreSQL; run `scripts/test`, or set DATABASE_URL\n",
    );
}

async fn without_a_server_that_is_required_the_run_fails(_database: Database) {
    let environment = [("DATABASE_URL", None), ("ES_REQUIRE_DATABASE", Some(OsStr::new("1")))];
    let output = run_prey(&[], &environment);
    assert!(!output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("ES_REQUIRE_DATABASE is set, but DATABASE_URL is not"), "{}", text(&output));

    // Nothing is left out of a list.
    let output = run_prey(&["--list"], &environment);
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "prey::succeeds: test\nprey::fails: test\nprey::leaves_a_task: test\n"
    );
}

async fn an_unreachable_server_fails_the_test_without_the_password(_database: Database) {
    // Nothing listens on port 1.
    let url = OsStr::new("postgres://me:secret@127.0.0.1:1/a");
    let output = run_prey(&["prey::succeeds"], &[("DATABASE_URL", Some(url))]);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(101), "{text}");
    assert!(text.contains("cannot connect to the PostgreSQL server at 127.0.0.1, port 1, as me"), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

/// Runs the tests of [`prey`] in a process, with these changes to the environment.
fn run_prey(arguments: &[&str], environment: &[(&str, Option<&OsStr>)]) -> Output {
    let mut command = Command::new(env::current_exe().expect("this program's path"));
    // nextest tells the programs that it starts how to behave.
    command.args(arguments).env(NOTES, "/dev/null");
    for (name, value) in environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.output().expect("this program can be run")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
