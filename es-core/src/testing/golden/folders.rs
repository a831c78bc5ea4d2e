//! The folders of the sets, and those whose set nobody gave.

use std::{fs, io, path::Path};

use super::{GoldenError, GoldenProblem, GoldenSet, file, io_error};

/// What stands in the folder of all files.
pub(super) struct Folders {
    /// The folders of sets that are given.
    given: Vec<String>,
    /// The folders of sets that are not.
    not_given: Vec<String>,
    /// What is no folder.
    strays: Vec<String>,
    /// The sets that have no folder, by the names that theirs would have.
    without: Vec<String>,
}

impl Folders {
    pub(super) fn of(folder: &Path, sets: &[GoldenSet]) -> Result<Self, GoldenError> {
        let names: Vec<_> = sets.iter().map(|set| file::escaped(set.name())).collect();
        let (given, others): (Vec<_>, Vec<_>) = entries(folder)?.into_iter().partition(|entry| names.contains(entry));
        let (not_given, strays) = others.into_iter().partition(|entry| folder.join(entry).is_dir());
        let without = names.into_iter().filter(|name| !given.contains(name)).collect();
        Ok(Self { given, not_given, strays, without })
    }

    /// Whether the files of a set could be those in a folder of another name. Nothing is to be said of them then, and
    /// above all nothing to be written: the folder could no longer be renamed.
    pub(super) fn may_be_renamed(&self, set: &GoldenSet) -> bool {
        !self.not_given.is_empty() && !self.given.contains(&file::escaped(set.name()))
    }

    pub(super) fn problems(self) -> impl Iterator<Item = GoldenProblem> {
        let renamed = match (&self.not_given[..], &self.without[..]) {
            ([_], [only]) => Some(only.clone()),
            _ => None,
        };
        let not_given = self.not_given.into_iter();
        let not_given = not_given.map(move |folder| GoldenProblem::SetNotGiven { folder, renamed: renamed.clone() });
        not_given.chain(self.strays.into_iter().map(|file| GoldenProblem::Stray { file }))
    }
}

/// The names in a folder, sorted, without hidden ones; none where there is no such folder.
pub(super) fn entries(folder: &Path) -> Result<Vec<String>, GoldenError> {
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
