//! The schema lock: `events.lock` in a crate's root holds every event version that was released, and a test proves that
//! it says what the code says.
//!
//! [`schema_lock!`](macro@crate::testing::schema_lock) is that test, in one line. What it does is [`prove`], for whoever wants to
//! do it in another way.

mod code;
mod difference;
mod error;
mod form;

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use es_lock::Lock;
pub use es_lock::Reader;

pub use self::{code::LockedSet, difference::Difference, error::LockError};
use super::{Environment, Outcome, files};

/// Proves that `events.lock` in `folder` says what the code says of these sets, or writes it, where the environment asks
/// for that. A released set that is not among them is not removed: that is an error, whatever the environment asks for.
///
/// ```
/// use es_core::{prelude::*, testing::{Environment, lock::{self, LockError, LockedSet}}};
///
/// #[derive(Event, Serialize, Deserialize)]
/// struct LampLit { by: String }
///
/// #[derive(EventSet)]
/// enum LampEvent { Lit(LampLit) }
///
/// # let folder = std::env::temp_dir().join(format!("es-lock-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let sets = [LockedSet::of::<LampEvent>(&["lamp"])];
/// let missing = lock::prove(&folder, &sets, &Environment::check());
/// assert!(matches!(missing, Err(LockError::Missing { .. })));
///
/// lock::prove(&folder, &sets, &Environment::accept())?;
/// lock::prove(&folder, &sets, &Environment::check())?;
/// let written = std::fs::read_to_string(folder.join("events.lock"))?;
/// assert!(written.contains("event LampLit v1\n    by: String\n"));
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`LockError`]
pub fn prove(folder: &Path, sets: &[LockedSet], environment: &Environment) -> Result<Outcome, LockError> {
    let code = code::lock(sets)?;
    let path = folder.join(es_lock::FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(LockError::Io { doing: "reading", path, source }),
    };
    let released = text.as_deref().map(Lock::parse).transpose();
    if environment.accepts()? {
        return match (text, released) {
            // What was not written by this test, or was by a newer one, is not overwritten.
            (Some(text), Err(source)) if !es_lock::is_ours(&text) => Err(LockError::Unreadable { path, source }),
            (text, _) => accept(path, text.as_deref().unwrap_or_default(), &code),
        };
    }
    let mut released = match released {
        Ok(Some(released)) => released,
        Ok(None) => return Err(LockError::Missing { path }),
        Err(source) => return Err(LockError::Unreadable { path, source }),
    };
    released.sort();
    let differences = difference::between(&released, &code);
    if differences.is_empty() {
        return Ok(Outcome::Unchanged);
    }
    Err(LockError::Behind { path, differences, diff: files::difference(&released.to_string(), &code.to_string()) })
}

/// Writes what the code says, unless a whole set would go with it: nobody sees in a difference what a test was not given.
fn accept(path: PathBuf, text: &str, code: &Lock) -> Result<Outcome, LockError> {
    let gone: BTreeSet<_> = es_lock::set_names(text).into_iter().filter(|name| code.set(name).is_none()).collect();
    if !gone.is_empty() {
        return Err(LockError::SetsGone { path, sets: gone.into_iter().collect() });
    }
    let printed = code.to_string();
    if text == printed {
        return Ok(Outcome::Unchanged);
    }
    match files::write(&path, &printed) {
        Ok(()) => Ok(Outcome::Written),
        Err(source) => Err(LockError::Io { doing: "writing", path, source }),
    }
}

/// The body of the test that [`schema_lock!`](macro@crate::testing::schema_lock) writes.
///
/// # Panics
/// With what [`prove`] says.
#[doc(hidden)]
#[track_caller]
pub fn assert(folder: &str, sets: &[LockedSet]) {
    if let Err(error) = prove(Path::new(folder), sets, &Environment::of_process()) {
        panic!("{error}");
    }
}
