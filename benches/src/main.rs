//! Writes the code that `scripts/bench-macros` measures: `es-benches FOLDER`.

use std::{env, io, path::Path, process::ExitCode};

fn main() -> io::Result<ExitCode> {
    let Some(folder) = env::args_os().nth(1) else {
        eprintln!("usage: es-benches FOLDER");
        return Ok(ExitCode::FAILURE);
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is a folder of the workspace");
    es_benches::packages::write(root, Path::new(&folder))?;
    Ok(ExitCode::SUCCESS)
}
