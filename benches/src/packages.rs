//! The throw-away workspace with the measured code.

use std::{fs, io, path::Path};

use crate::{
    domain,
    sources::{self, Extent},
};

/// How many events, and how many commands, the measured crates have.
const CASES: usize = 100;

/// Writes the workspace into `folder`; `root` is the workspace that is measured.
///
/// # Errors
/// Where a file cannot be read or written.
pub fn write(root: &Path, folder: &Path) -> io::Result<()> {
    let cases = domain::cases(CASES);
    let mut packages = vec![
        ("nothing", sources::nothing()),
        ("serde-alone", sources::serde_alone(&cases)),
        ("without-framework", sources::without_framework(&cases)),
    ];
    for (extent, by_macros, by_hand) in [
        (Extent::Events, "macros-events", "hand-events"),
        (Extent::Set, "macros-set", "hand-set"),
        (Extent::Aggregate, "macros-aggregate", "hand-aggregate"),
        (Extent::Commands, "macros-commands", "hand-commands"),
    ] {
        packages.push((by_macros, sources::macros(&cases, extent)));
        packages.push((by_hand, sources::by_hand(&cases, extent)));
    }
    for (name, source) in &packages {
        write_package(
            &folder.join(name),
            name,
            "lib.rs",
            &format!("//! Measured code.\n#![allow(unused_imports)]\n{source}"),
        )?;
    }
    write_replay(&folder.join("replay"))?;
    fs::write(folder.join("Cargo.toml"), workspace(root))?;
    // The same versions of all dependencies; cargo takes out what is not needed.
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    Ok(())
}

fn workspace(root: &Path) -> String {
    let root = root.display();
    format!(
        r#"[workspace]
resolver = "3"
members = ["*"]

[workspace.dependencies]
es-benches = {{ path = "{root}/benches" }}
es-core = {{ path = "{root}/es-core" }}
serde = {{ version = "1", features = ["derive"] }}
serde_json = "1"

[profile.dev]
debug = "line-tables-only"

[profile.release]
debug = "line-tables-only"
"#
    )
}

fn write_package(folder: &Path, name: &str, file: &str, source: &str) -> io::Result<()> {
    let manifest = format!(
        r#"[package]
name = "{name}"
version = "0.0.0"
edition = "2024"
publish = false

[dependencies]
es-benches.workspace = true
es-core.workspace = true
serde.workspace = true
serde_json.workspace = true
"#
    );
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("src").join(file), source)
}

/// The program that compares replays: one module for each way and number of events.
fn write_replay(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder.join("src"))?;
    let (mut modules, mut calls) = (String::new(), String::new());
    for count in [10, 100] {
        let cases = domain::cases(count);
        let (by_macros, by_hand) = (format!("macros_{count}"), format!("by_hand_{count}"));
        fs::write(folder.join(format!("src/{by_macros}.rs")), sources::macros(&cases, Extent::Commands))?;
        fs::write(folder.join(format!("src/{by_hand}.rs")), sources::without_framework(&cases))?;
        modules.extend(["mod ", &by_macros, ";\nmod ", &by_hand, ";\n"]);
        calls.push_str(&comparison(&by_macros, &by_hand));
    }
    let main = format!(
        "//! Compares replays: `replay ROUNDS EVENTS`.
        #![allow(dead_code)]
        {modules}
        use es_benches::replay::{{Stored, Way, compare}};

        fn main() {{
            let mut arguments = std::env::args().skip(1).map(|argument| argument.parse().unwrap());
            let (rounds, events) = (arguments.next().unwrap(), arguments.next().unwrap());
            {calls}
        }}"
    );
    write_package(folder, "replay", "main.rs", &main)
}

fn comparison(by_macros: &str, by_hand: &str) -> String {
    format!(
        "compare::<{by_macros}::Bank, _, _>(rounds, events, &Way {{
            decode: |stored: &Stored| {by_hand}::BankEvent::decode(&stored.name, &stored.payload).unwrap(),
            fold: |state: &mut {by_hand}::Bank, event| state.apply(&event),
        }});\n"
    )
}
