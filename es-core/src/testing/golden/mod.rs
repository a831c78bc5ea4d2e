//! Golden payloads: what each version of each event is stored as, kept in files while the version is current, and read
//! back for ever after.
//!
//! The lock sees the fields of an event and not the types within them. Here real values are stored and read, whatever they
//! are made of. [`golden!`](macro@crate::testing::golden) is the test, in one line; what it does is [`prove`].

mod error;
mod file;
mod set;

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

pub use self::{
    error::{GoldenError, GoldenProblem},
    set::GoldenSet,
};
use self::{file::File, set::Version};
use super::{Environment, Outcome, files};

/// The name of the folder, in the root of a crate.
const FOLDER: &str = "events.golden";

/// Proves that what is filed in `events.golden` in `folder` is still stored, read and upcast as it was, or writes it, where
/// the environment asks for that. What is filed is never removed.
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
    for set in sets {
        for version in set.versions()? {
            proof.version(set, &version)?;
        }
    }
    proof.strays(sets)?;
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
        let is_behind = filed.present != Some(version.present) || filed.cases.iter().any(|case| case.now.is_none());
        if is_behind {
            self.problems.push(GoldenProblem::Behind { file: file(), filed: filed.present, present: version.present });
        }
        let mut changed = Vec::new();
        for (index, case) in filed.cases.iter().enumerate() {
            let number = index + 1;
            match set.present(version, &case.stored) {
                Err(error) => self.problems.push(GoldenProblem::Unreadable { file: file(), case: number, error }),
                Ok(now) => {
                    if let Some(was) = case.now.as_ref().filter(|was| !is_behind && **was != now) {
                        let diff = files::difference(&format!("{was:#}\n"), &format!("{now:#}\n"));
                        self.problems.push(if version.is_present() {
                            GoldenProblem::FormChanged { file: file(), case: number, diff }
                        } else {
                            GoldenProblem::ValueChanged { file: file(), case: number, diff }
                        });
                        changed.push(now);
                    }
                }
            }
        }
        // A value whose form has changed was named above.
        for stored in version.values.iter().filter(|stored| !filed.has(stored) && !changed.contains(stored)) {
            self.problems.push(GoldenProblem::NewForm { file: file(), stored: format!("{stored:#}") });
        }
    }

    /// Writes what the code does, beside all that was filed before. What cannot be read any more is no matter of accepting.
    fn accept(
        &mut self,
        set: &GoldenSet,
        version: &Version,
        filed: Option<&File>,
        path: &Path,
        name: &str,
    ) -> Result<(), GoldenError> {
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

    /// Files that belong to no version of any event, those of retired ones excepted.
    fn strays(&mut self, sets: &[GoldenSet]) -> Result<(), GoldenError> {
        for folder in entries(&self.folder)? {
            let Some(set) = sets.iter().find(|set| file::escaped(set.name()) == folder) else {
                self.problems.push(GoldenProblem::Stray { file: folder });
                continue;
            };
            for file in entries(&self.folder.join(&folder))? {
                if !set.has_file(&file)? {
                    self.problems.push(GoldenProblem::Stray { file: format!("{folder}/{file}") });
                }
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
        GoldenProblem::NotFiled { file, has_value: !version.values.is_empty() }
    } else {
        GoldenProblem::EarlierNotFiled { file, event: version.event.to_owned(), version: version.number }
    }
}

/// The names in a folder, sorted, without hidden ones; none where there is no such folder.
fn entries(folder: &Path) -> Result<Vec<String>, GoldenError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.and_then(Iterator::collect::<io::Result<Vec<_>>>),
    };
    let entries = entries.map_err(|source| io_error("reading", folder, source))?;
    let mut names: Vec<_> = entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    Ok(names)
}

fn io_error(doing: &'static str, path: &Path, source: io::Error) -> GoldenError {
    GoldenError::Io { doing, path: path.to_owned(), source }
}
