//! Files that tests keep: written whole or not at all, and compared line by line.

use std::{fs, io, io::Write as _, path::Path, process};

use similar::TextDiff;

/// Writes a file by way of another one beside it, so that nobody reads half of it and a failure leaves the old one.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", process::id()));
    let written = fs::File::create(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The first failure is the one to report.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// The lines that differ, `-` those of the file and `+` those of the code, with a few around them.
pub(super) fn difference(file: &str, code: &str) -> String {
    TextDiff::from_lines(file, code).unified_diff().context_radius(3).header("the file", "the code").to_string()
}
