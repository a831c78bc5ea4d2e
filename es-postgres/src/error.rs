//! What PostgreSQL says, in the words of the store. Errors are told apart by SQLSTATE and constraint, never by text.

use std::{borrow::Cow, io};

use es_core::{
    projection::InlineError,
    recorded::StreamId,
    store::{Misconfigured, StoreError, Unavailable},
};
use sqlx::{
    error::DatabaseError,
    postgres::{PgConnectOptions, PgDatabaseError, PgSeverity},
};
use tokio::time::error::Elapsed;

use crate::{batch::Trouble, connections::Failure, inline, migrate, row::unreadable};

/// Whether the connection was lost, so that nobody knows what became of the request.
pub(crate) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed => true,
        // 08: connection exception; 40003: outcome unknown; 57P01 to 57P05: the server or an operator ended it.
        sqlx::Error::Database(database) => database.code().is_some_and(|code| match &*code {
            // A message that the server does not take, such as one with too few arguments. Poolers say the same of a
            // connection that they end.
            "08P01" => is_fatal(&**database),
            code => code.starts_with("08") || matches!(code, "40003" | "57P01" | "57P02" | "57P03" | "57P05"),
        }),
        _ => false,
    }
}

/// Whether the connection ended with the error.
fn is_fatal(database: &dyn DatabaseError) -> bool {
    let severity = database.try_downcast_ref::<PgDatabaseError>().map(PgDatabaseError::severity);
    matches!(severity, Some(PgSeverity::Fatal | PgSeverity::Panic))
}

/// What became of a request that the database did not carry out.
pub(crate) fn failure(source: sqlx::Error) -> Failure {
    if is_lost(&source) { Failure::Lost(source) } else { Failure::Refused(source) }
}

/// What an append's failure means for the batch that it was in.
pub(crate) fn trouble(failure: &Failure) -> Trouble {
    let error = match failure {
        Failure::NotSent(_) => return Trouble::NotSent,
        Failure::Lost(_) => return Trouble::Lost,
        Failure::Unreadable(_) => return Trouble::Refused,
        Failure::Refused(error) => error,
    };
    let sqlx::Error::Database(database) = error else { return Trouble::Refused };
    match database.code().as_deref() {
        Some("23505") if matches!(database.constraint(), Some("events_stream_version" | "events_idempotency_key")) => {
            Trouble::Race
        }
        // 40: the database gave up, here a deadlock or a serialization failure, for the sake of others.
        Some("40001" | "40P01") => Trouble::Race,
        _ if is_held(error) => Trouble::Held,
        _ => Trouble::Refused,
    }
}

/// Whether the time to wait for another transaction's lock was over.
pub(crate) fn is_held(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(database) if database.code().as_deref() == Some("55P03"))
}

/// One error as that of each of so many requests that were sent together. Only the last gets the cause itself, the others
/// its words: what a driver reports cannot be copied.
pub(crate) fn for_each(error: StoreError, requests: usize) -> Vec<StoreError> {
    let mut errors: Vec<_> = (1..requests).map(|_| error.for_another()).collect();
    errors.push(error);
    errors
}

/// A transaction that has written to the same stream stayed open for too long.
pub(crate) fn held(doing: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    let reason =
        format!("while {doing}, another transaction that wrote to the same stream stayed open; end it, or try later");
    Unavailable::new(reason, source).into()
}

/// An answer that is not the one hoped for, as the store's error.
pub(crate) fn store_error(doing: &'static str, failure: Failure) -> StoreError {
    match failure {
        Failure::NotSent(error) => error,
        Failure::Lost(source) => {
            Unavailable::new(format!("the connection was lost while {doing}: {}", words(&source)), source).into()
        }
        Failure::Unreadable(source) => unreadable(source),
        Failure::Refused(source) => refused(doing, source),
    }
}

/// What became of an append inside a transaction of the caller's, as the store's error.
pub(crate) fn in_transaction(doing: &'static str, stream: &StreamId, source: sqlx::Error) -> StoreError {
    if is_lost(&source) {
        let reason = format!(
            "the connection was lost while {doing}, and with it the transaction: nothing of it was stored; run all of it \
             again: {}",
            words(&source)
        );
        return Unavailable::new(reason, source).into();
    }
    // 25P02: the transaction had failed before.
    let failed = source.as_database_error().and_then(DatabaseError::code).as_deref() == Some("25P02");
    let failure = Failure::Refused(source);
    match (trouble(&failure), failure) {
        (trouble, Failure::Refused(source)) if failed || trouble == Trouble::Race => {
            StoreError::RetryTransaction { stream: stream.clone(), source: source.into() }
        }
        (_, failure) => store_error(doing, failure),
    }
}

fn refused(doing: &'static str, source: sqlx::Error) -> StoreError {
    let code = source.as_database_error().and_then(DatabaseError::code).map(Cow::into_owned);
    match code.as_deref() {
        // 42P01 and 3F000: there is no such table or schema; 42703: no such column.
        Some("42P01" | "3F000" | "42703") => StoreError::WrongSchema { found: 0, needed: migrate::NEWEST },
        Some("55P03") => held(doing, source),
        // Ours: the guard of read models that change with the appends, named as a constraint.
        Some("ES002") => {
            let guarded = source.as_database_error().and_then(DatabaseError::constraint).unwrap_or_default();
            let read_model = inline::displayed(guarded);
            Box::new(InlineError::NotHere { read_model }).into()
        }
        // 53: out of connections, memory or disk; 25006: a standby, or a database that is read-only.
        Some(code) if code.starts_with("53") => {
            Unavailable::new(format!("the server is out of resources while {doing}"), source).into()
        }
        Some("25006") => {
            Unavailable::new("the server only allows reading; connect to the primary".to_owned(), source).into()
        }
        Some("42501") => {
            let reason = format!(
                "the role lacks a right that is needed while {doing}: {}; the owner of the tables migrates them, and gives \
                 a role what a program needs with `grant_runtime`",
                words(&source)
            );
            Misconfigured::new(reason, Some(source.into())).into()
        }
        _ => StoreError::Backend { doing, source: source.into() },
    }
}

/// What went wrong in a few words: the server's own, without where in its source they stand.
fn words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(database) => database.message().to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// A connection that could not be opened: the server named without the password, and its own words. Where one could be before,
/// the settings are right, and whoever answers now may be somebody else for a while.
pub(crate) fn cannot_connect(options: &PgConnectOptions, source: sqlx::Error, before: bool) -> StoreError {
    let reason = format!("{}: {}", place(options), words(&source));
    match source.as_database_error().and_then(DatabaseError::code).as_deref() {
        // 28: who connects is not let in; 3D000: there is no such database.
        Some(code) if code.starts_with("28") || code == "3D000" => {
            Misconfigured::new(reason, Some(source.into())).into()
        }
        _ if before => Unavailable::new(reason, source).into(),
        _ if is_untrusted(&source) || is_without_file(options, &source) => {
            Misconfigured::new(reason, Some(source.into())).into()
        }
        _ if matches!(source, sqlx::Error::Tls(_)) && cfg!(not(feature = "tls")) => {
            let reason = format!("{reason}; encryption comes with the feature `tls` of es-postgres");
            Misconfigured::new(reason, Some(source.into())).into()
        }
        _ if matches!(source, sqlx::Error::Configuration(_) | sqlx::Error::Tls(_)) => {
            Misconfigured::new(reason, Some(source.into())).into()
        }
        _ => Unavailable::new(reason, source).into(),
    }
}

/// Whether whoever answers is somebody else, which rustls tells as data that makes no sense.
fn is_untrusted(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData)
}

/// Whether a certificate or a key is not where the settings say. A socket that is not there is that of a server that is away.
fn is_without_file(options: &PgConnectOptions, error: &sqlx::Error) -> bool {
    let missing = matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::NotFound);
    missing && options.get_socket().is_none()
}

/// A server that did not answer in time.
pub(crate) fn no_answer(options: &PgConnectOptions, elapsed: Elapsed) -> StoreError {
    Unavailable::new(format!("{}: no answer in time", place(options)), elapsed).into()
}

fn place(options: &PgConnectOptions) -> String {
    let place = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let database = options.get_database().unwrap_or(options.get_username());
    format!("cannot connect to the database `{database}` at {place}")
}
