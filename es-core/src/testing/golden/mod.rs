//! Golden payloads: what each version of each event is stored as, kept in files while the version is current, and read
//! back for ever after.
//!
//! The lock sees the fields of an event and not the types within them. Here real values are stored and read, whatever
//! they are made of. [`golden!`](macro@crate::testing::golden) is the test, in one line; what it does is [`prove`].

mod error;
mod file;
mod folders;
mod set;

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use serde_json::Value;

pub use self::{
    error::{GoldenError, GoldenProblem},
    set::GoldenSet,
};
use self::{file::File, folders::Folders, set::Version};
use super::{Environment, Outcome, files};

/// The name of the folder, in the root of a crate.
const FOLDER: &str = "events.golden";

/// Proves that what is filed in `events.golden` in `folder` is still stored, read and upcast as it was, or writes it,
/// where the environment asks for that. What is filed is never removed.
///
/// ```
/// use es_core::{prelude::*, testing::{Environment, golden::{self, GoldenError, GoldenSet}}};
///
/// #[derive(Event, Serialize, Deserialize)]
/// struct LampLit { by: String }
///
/// #[derive(EventSet)]
/// enum LampEvent { Lit(LampLit) }
///
/// # let folder = std::env::temp_dir().join(format!("es-golden-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let sets = [GoldenSet::of::<LampEvent>(&[LampLit { by: "porter".into() }.into()])];
/// let missing = golden::prove(&folder, &sets, &Environment::check());
/// assert!(matches!(missing, Err(GoldenError::Failed { .. })));
///
/// golden::prove(&folder, &sets, &Environment::accept())?;
/// golden::prove(&folder, &sets, &Environment::check())?;
/// let filed = std::fs::read_to_string(folder.join("events.golden/LampEvent/LampLit.v1.json"))?;
/// assert!(filed.contains("\"by\": \"porter\""));
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`GoldenError`], with all that is wrong.
pub fn prove(folder: &Path, sets: &[GoldenSet], environment: &Environment) -> Result<Outcome, GoldenError> {
    let mut names = BTreeSet::new();
    if let Some(set) = sets.iter().find(|set| !names.insert(set.name())) {
        return Err(GoldenError::SetTwice { set: set.name().to_owned() });
    }
    let accepts = environment.accepts()?;
    let folder = folder.join(FOLDER);
    let mut proof = Proof { folder: folder.clone(), accepts, outcome: Outcome::Unchanged, problems: Vec::new() };
    let folders = Folders::of(&folder, sets)?;
    for set in sets.iter().filter(|set| !folders.may_be_renamed(set)) {
        for version in set.versions()? {
            proof.version(set, &version)?;
        }
        proof.strays(set)?;
    }
    proof.problems.extend(folders.problems());
    let Proof { outcome, problems, .. } = proof;
    if problems.is_empty() { Ok(outcome) } else { Err(GoldenError::Failed { folder, problems }) }
}

/// The body of the test that [`golden!`](macro@crate::testing::golden) writes.
///
/// # Panics
/// With what [`prove`] says.
#[doc(hidden)]
#[track_caller]
pub fn assert(folder: &str, sets: &[GoldenSet]) {
    if let Err(error) = prove(Path::new(folder), sets, &Environment::of_process()) {
        panic!("{error}");
    }
}

/// What was found so far.
struct Proof {
    folder: PathBuf,
    accepts: bool,
    outcome: Outcome,
    problems: Vec<GoldenProblem>,
}

impl Proof {
    /// One version of one event.
    fn version(&mut self, set: &GoldenSet, version: &Version) -> Result<(), GoldenError> {
        let name = format!("{}/{}", file::escaped(set.name()), file::name(version.event, version.number));
        let path = self.folder.join(&name);
        let filed = match File::read(&path).map_err(|source| io_error("reading", &path, source))? {
            Some(Err(message)) => {
                self.problems.push(GoldenProblem::Malformed { file: name, message });
                return Ok(());
            }
            Some(Ok(filed)) => Some(filed),
            None => None,
        };
        if let Some(message) = filed.as_ref().and_then(|filed| misplaced(filed, version)) {
            self.problems.push(GoldenProblem::Malformed { file: name, message });
            return Ok(());
        }
        if version.is_present() && version.values.is_empty() {
            let (set, event) = (set.name().to_owned(), version.event.to_owned());
            self.problems.push(GoldenProblem::NoValue { set, event });
            if filed.is_none() {
                return Ok(());
            }
        }
        if self.accepts {
            return self.accept(set, version, filed.as_ref(), &path, &name);
        }
        match filed {
            Some(filed) => self.check(set, version, &filed, &name),
            None => self.problems.push(missing(version, name)),
        }
        Ok(())
    }

    /// Holds a file against what the code does.
    fn check(&mut self, set: &GoldenSet, version: &Version, filed: &File, name: &str) {
        let file = || name.to_owned();
        let present: Vec<_> = filed.cases.iter().map(|case| set.present(version, &case.stored)).collect();
        // They come first: until they are mended, nothing that is said of the file can be accepted.
        for (index, now) in present.iter().enumerate() {
            if let Err(error) = now {
                let (case, error) = (index + 1, error.clone());
                self.problems.push(GoldenProblem::Unreadable { file: file(), case, error });
            }
        }
        let is_behind = filed.present != Some(version.present) || filed.cases.iter().any(|case| case.now.is_none());
        if is_behind {
            self.problems.push(GoldenProblem::Behind { file: file(), filed: filed.present, present: version.present });
        }
        let mut changed = Vec::new();
        for (index, (case, now)) in filed.cases.iter().zip(&present).enumerate() {
            let Ok(now) = now else { continue };
            if let Some(was) = case.now.as_ref().filter(|was| !is_behind && *was != now) {
                let (file, case) = (file(), index + 1);
                let diff = files::difference(&format!("{was:#}\n"), &format!("{now:#}\n"));
                self.problems.push(match version.is_present() {
                    true if extends(now, was) => GoldenProblem::Extended { file, case, diff },
                    true => GoldenProblem::FormChanged { file, case, diff },
                    false => GoldenProblem::ValueChanged { file, case, diff },
                });
                changed.push(now);
            }
        }
        // A value whose form has changed was named above.
        for stored in version.values.iter().filter(|stored| !filed.has(stored) && !changed.contains(stored)) {
            self.problems.push(GoldenProblem::NewForm { file: file(), stored: format!("{stored:#}") });
        }
    }

    /// Writes what the code does, beside all that was filed before. What cannot be read any more is no matter of
    /// accepting.
    fn accept(
        &mut self,
        set: &GoldenSet,
        version: &Version,
        filed: Option<&File>,
        path: &Path,
        name: &str,
    ) -> Result<(), GoldenError> {
        // An earlier version, which no value can be given of.
        if filed.is_none() && version.values.is_empty() {
            self.problems.push(missing(version, name.to_owned()));
            return Ok(());
        }
        let mut file = filed.cloned().unwrap_or_else(|| File::new(version.event, version.number));
        for stored in &version.values {
            if !file.has(stored) {
                file.cases.push(file::Case { stored: stored.clone(), now: None });
            }
        }
        file.present = Some(version.present);
        for (index, case) in file.cases.iter_mut().enumerate() {
            match set.present(version, &case.stored) {
                Ok(now) => case.now = Some(now),
                Err(error) => {
                    self.problems.push({
                        let (file, case) = (name.to_owned(), index + 1);
                        GoldenProblem::Unreadable { file, case, error }
                    });
                    return Ok(());
                }
            }
        }
        if filed != Some(&file) {
            file.write(path).map_err(|source| io_error("writing", path, source))?;
            self.outcome = Outcome::Written;
        }
        Ok(())
    }

    /// Files that belong to no version of any event of a set, those of retired ones excepted.
    fn strays(&mut self, set: &GoldenSet) -> Result<(), GoldenError> {
        let folder = file::escaped(set.name());
        for file in folders::entries(&self.folder.join(&folder))? {
            if !set.has_file(&file)? {
                self.problems.push(GoldenProblem::Stray { file: format!("{folder}/{file}") });
            }
        }
        Ok(())
    }
}

/// What is wrong with a file that is not the one of this version.
fn misplaced(filed: &File, version: &Version) -> Option<String> {
    if filed.event != version.event || filed.version != version.number {
        let (event, number) = (version.event, version.number);
        return Some(format!("it says `{}` v{}, and its name `{event}` v{number}", filed.event, filed.version));
    }
    filed.cases.is_empty().then(|| "it has no cases".to_owned())
}

fn missing(version: &Version, file: String) -> GoldenProblem {
    if version.is_present() {
        GoldenProblem::NotFiled { file }
    } else {
        GoldenProblem::EarlierNotFiled { file, event: version.event.to_owned(), version: version.number }
    }
}

/// Whether a value has all that another one has, and more in its objects.
fn extends(now: &Value, was: &Value) -> bool {
    match (now, was) {
        (Value::Object(now), Value::Object(was)) => {
            was.iter().all(|(key, was)| now.get(key).is_some_and(|now| extends(now, was)))
        }
        (Value::Array(now), Value::Array(was)) => {
            now.len() == was.len() && now.iter().zip(was).all(|(now, was)| extends(now, was))
        }
        (now, was) => now == was,
    }
}

fn io_error(doing: &'static str, path: &Path, source: io::Error) -> GoldenError {
    GoldenError::Io { doing, path: path.to_owned(), source }
}
