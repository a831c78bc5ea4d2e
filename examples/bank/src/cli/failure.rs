//! What ends the program early: one sentence, and an exit code.

use std::{error::Error, io, process::ExitCode};

use ::bank::{
    databases::OpenError,
    domain::{AccountError, AccountId},
    import::ImportError,
    ledger::LedgerError,
    projections::CatchUpError,
};
use es_core::{
    ExecuteError, LoadError, StoreError,
    copy::CopyError,
    engine::{ControlError, EngineError, WaitError},
    projection::PrepareError,
};

/// Why the program ends without having done all of its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something was refused, unknown or left out.
    Refused(String),
    /// Something was left out, and all has been said about it.
    Incomplete,
    /// The work could not be done.
    Broken(String),
    /// Nobody reads the output any more, as with `bank history 1 | head`: no failure at all.
    PipeClosed,
}

impl Failure {
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self::Refused(message.into())
    }

    pub(super) fn broken(message: impl Into<String>) -> Self {
        Self::Broken(message.into())
    }

    /// What became of a command that was not executed.
    pub(super) fn of_command(error: ExecuteError<AccountError>, account: &AccountId) -> Self {
        match error {
            ExecuteError::Rejected(error) => Self::refused(error.to_string()),
            ExecuteError::NotFound { .. } => Self::unknown(account),
            ExecuteError::AlreadyExists { .. } => Self::refused(format!("account {account} exists already")),
            ExecuteError::Store(error) => error.into(),
            other => Self::Broken(with_causes(&other)),
        }
    }

    pub(super) fn of_load(error: LoadError, account: &AccountId) -> Self {
        match error {
            LoadError::NotFound { then: false, .. } => Self::unknown(account),
            LoadError::NotFound { .. } => Self::refused(format!("there was no account {account} at that time")),
            LoadError::NoSuchVersion { last, .. } if last == 0 => Self::unknown(account),
            LoadError::NoSuchVersion { asked, last, .. } => {
                Self::refused(format!("account {account} has no version {asked}: it has the versions 1 to {last}"))
            }
            LoadError::Store(error) => error.into(),
            other => Self::Broken(with_causes(&other)),
        }
    }

    pub(super) fn unknown(account: &AccountId) -> Self {
        Self::refused(format!("there is no account {account}; `bank open {account} --owner NAME` opens it"))
    }

    /// Says it, and answers with the exit code.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Refused(message) => {
                eprintln!("bank: {message}");
                ExitCode::from(1)
            }
            Self::Incomplete => ExitCode::from(1),
            Self::Broken(message) => {
                eprintln!("bank: {message}");
                ExitCode::from(2)
            }
            Self::PipeClosed => ExitCode::SUCCESS,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Invalid(error) => Self::refused(error.to_string()),
            other => Self::Broken(with_causes(&other)),
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Broken(format!("what is made of the events cannot be read or written: {}", with_causes(&error)))
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Store(error) => error.into(),
            other => Self::Broken(with_causes(&other)),
        }
    }
}

impl From<PrepareError> for Failure {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::Store(error) => error.into(),
            other => Self::Broken(with_causes(&other)),
        }
    }
}

impl From<ControlError> for Failure {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Store(error) => error.into(),
            other => Self::refused(other.to_string()),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Prepare(error) => error.into(),
            EngineError::Store(error) => error.into(),
            other => Self::Broken(with_causes(&other)),
        }
    }
}

impl From<CatchUpError> for Failure {
    fn from(error: CatchUpError) -> Self {
        match error {
            CatchUpError::Store(error) | CatchUpError::Wait(WaitError::Control(ControlError::Store(error))) => {
                error.into()
            }
            CatchUpError::Prepare(error) => error.into(),
            CatchUpError::Wait(WaitError::Halted { state, .. }) => {
                let name = state.shard.projection.name;
                let failure = state.failure.map(|failure| format!(" in front of {failure}")).unwrap_or_default();
                Self::Broken(format!(
                    "{} is {}{failure}; `bank projections resume {name}` has it go on",
                    state.shard,
                    state.activity.name()
                ))
            }
            other => Self::Broken(with_causes(&other)),
        }
    }
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Source(_) | CopyError::Target(_) => Self::Broken(with_causes(&error)),
            CopyError::AnotherSource { .. } => Self::refused(
                "that is a copy of another bank, or this one was restored or failed over since: then `--prove-source` has all \
                 that was copied looked at again, and the copy go on if it is still there",
            ),
            other => Self::refused(other.to_string()),
        }
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Self::broken(error.to_string())
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Ledger(error) => error.into(),
            other => Self::Broken(format!(
                "the import stopped: {}; what was executed before is stored, and running it again goes on from there",
                with_causes(&other)
            )),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::PipeClosed,
            _ => Self::Broken(format!("the output cannot be written: {error}")),
        }
    }
}

/// An error's text with those of its causes that it does not hold already.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = words(error);
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

/// What an error says; of the database's, only the server's own words.
fn words(error: &(dyn Error + 'static)) -> String {
    match error.downcast_ref() {
        Some(sqlx::Error::Database(database)) => database.message().to_owned(),
        Some(sqlx::Error::Io(error)) => error.to_string(),
        _ => error.to_string(),
    }
}
