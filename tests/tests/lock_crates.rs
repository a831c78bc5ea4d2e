//! The lock of whole crates: a member of a workspace and one that depends on it, built as their owner would build them.
//!
//! The library is compiled once for these crates, into a folder of its own, so that the first run takes longer.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

const DOMAIN: &str = r##"//! A domain, with a lint for everything.
//!
//! A released name in a documentation test:
//! ```
//! use es_core::prelude::*;
//! #[derive(Event, Serialize, Deserialize)]
//! #[event(unlocked)]
//! struct MoneyWithdrawn { sum: u8 }
//!
//! #[derive(EventSet)]
//! #[event_set(unlocked)]
//! enum AccountEvent { Withdrawn(MoneyWithdrawn) }
//!
//! #[derive(Aggregate, Default)]
//! #[aggregate(name = "piggy-bank", id = domain::AccountId, event = AccountEvent, unlocked)]
//! struct PiggyBank {}
//!
//! #[event_handler]
//! impl PiggyBank { fn withdrawn(&mut self, _: &MoneyWithdrawn) {} }
//! ```
#![deny(warnings, clippy::pedantic)]

use es_core::prelude::*;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountId(String);

#[derive(Event, Deserialize)]
#[event(name = "MoneyDeposited", version = 1)]
pub struct MoneyDepositedV1 {
    pub amount: i64,
}

#[derive(Event, Serialize, Deserialize)]
#[event(version = 2, previous = MoneyDepositedV1)]
pub struct MoneyDeposited {
    pub amount: i64,
    pub description: String,
}

impl From<MoneyDepositedV1> for MoneyDeposited {
    fn from(old: MoneyDepositedV1) -> Self {
        Self { amount: old.amount, description: String::new() }
    }
}

#[derive(Event, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MoneyWithdrawn {
    pub in_hellers: i64,
    #[serde(rename = "reason")]
    pub why: Option<String>,
}

#[derive(EventSet)]
pub enum AccountEvent {
    Deposited(MoneyDeposited),
    Withdrawn(MoneyWithdrawn),
}

#[derive(Aggregate, Default)]
#[aggregate(name = "account", id = AccountId, event = AccountEvent)]
pub struct Account {
    pub balance: i64,
}

#[event_handler]
impl Account {
    fn deposited(&mut self, event: &MoneyDeposited) {
        self.balance += event.amount;
    }

    fn withdrawn(&mut self, event: &MoneyWithdrawn) {
        self.balance -= event.in_hellers;
    }
}
"##;

/// The same stored name in another crate, in another form: each crate has a lock of its own.
const APP: &str = r"//! What depends on the domain.
#![deny(warnings)]

mod without_a_prelude {
    #![no_implicit_prelude]

    #[derive(::es_core::Event, ::serde::Serialize, ::serde::Deserialize)]
    pub struct MoneyWithdrawn {}

    #[derive(::es_core::EventSet)]
    pub enum AppEvent {
        Withdrawn(MoneyWithdrawn),
    }
}

pub use domain::Account;
pub use without_a_prelude::{AppEvent, MoneyWithdrawn};
";

const DOMAIN_LOCK: &str = "\
# es events.lock, format 1; written by `ES_LOCK=accept cargo test`
set AccountEvent of account
  event MoneyDeposited v1
    amount: i64
  event MoneyDeposited v2
    amount: i64
    description: String
  event MoneyWithdrawn v1
    inHellers: i64
    reason: Option<String>
";

const APP_LOCK: &str = "\
# es events.lock, format 1; written by `ES_LOCK=accept cargo test`
set AppEvent
  event MoneyWithdrawn v1
";

/// A workspace below the target folder.
struct Workspace(PathBuf);

impl Workspace {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lock-crates");
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace of this crate");
        let _ = fs::remove_dir_all(root.join("work"));
        let workspace = Self(root.join("work"));
        // The versions that are there already, so that nothing need be fetched.
        workspace.write("Cargo.lock", &fs::read_to_string(ours.join("Cargo.lock")).expect("the lock of this crate"));
        workspace.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"domain\", \"app\"]\n");
        for (name, dependency) in [("domain", ""), ("app", "domain = { path = \"../domain\" }\n")] {
            let core = ours.join("es-core");
            let manifest = format!(
                "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\nes-core = {{ path = {core:?} }}\n\
                 serde = {{ version = \"1\", features = [\"derive\"] }}\n{dependency}\n[dev-dependencies]\nes-core = {{ path = {core:?}, features = [\"testing\"] }}\n"
            );
            workspace.write(&format!("{name}/Cargo.toml"), &manifest);
        }
        workspace.write("domain/src/lib.rs", DOMAIN);
        workspace.write("app/src/lib.rs", APP);
        let test = |set: &str| format!("//! The lock.\nes_core::testing::schema_lock!({set});\n");
        workspace.write("domain/tests/schema.rs", &test("domain::AccountEvent"));
        workspace.write("app/tests/schema.rs", &test("app::AppEvent => []"));
        workspace
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).expect("a file")
    }

    /// Writes the domain with a part of it replaced.
    fn change(&self, from: &str, to: &str) {
        assert!(DOMAIN.contains(from), "{from}");
        self.write("domain/src/lib.rs", &DOMAIN.replace(from, to));
    }

    /// Runs cargo; whether it succeeded, and all that it printed.
    fn cargo(&self, arguments: &str, variables: &[(&str, &str)]) -> (bool, String) {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments.split(' ')).arg("--offline").current_dir(&self.0);
        for inherited in ["CI", "ES_LOCK", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
            command.env_remove(inherited);
        }
        command.env("CARGO_TARGET_DIR", self.0.with_file_name("target")).env("CARGO_TERM_COLOR", "never");
        let output = command.envs(variables.iter().copied()).output().expect("cargo");
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (output.status.success(), text)
    }

    #[track_caller]
    fn succeeds(&self, arguments: &str, variables: &[(&str, &str)]) {
        let (succeeded, text) = self.cargo(arguments, variables);
        assert!(succeeded, "{arguments} {variables:?}\n{text}");
    }

    /// It fails, with these words.
    #[track_caller]
    fn fails(&self, arguments: &str, variables: &[(&str, &str)], words: &[&str]) {
        let (succeeded, text) = self.cargo(arguments, variables);
        assert!(!succeeded, "{arguments} {variables:?}\n{text}");
        for word in words {
            assert!(text.contains(word), "{word:?} is not in\n{text}");
        }
    }
}

const ACCEPT: &[(&str, &str)] = &[("ES_LOCK", "accept")];

/// One test, because the crates are built in one folder.
#[test]
fn a_lock_is_written_compared_and_kept() {
    let crates = Workspace::new();

    // Without a lock nothing is compared, and the test asks for one. It is written where a person asks.
    crates.fails(
        "test -p app --test schema",
        &[("ES_LOCK", "accept"), ("CI", "true")],
        &["is refused where `CI` is set"],
    );
    crates.succeeds("test --workspace --tests", ACCEPT);
    assert_eq!(crates.read("domain/events.lock"), DOMAIN_LOCK);
    assert_eq!(crates.read("app/events.lock"), APP_LOCK);

    // It holds in the library, in integration tests, in documentation tests and where the crate is depended upon.
    crates.succeeds("test --workspace", &[]);

    // A released field with another type, and one with another serde attribute.
    crates.change(
        "    pub amount: i64,\n    pub description",
        "    pub amount: u64,\n    #[serde(with = \"cents\")]\n    pub description",
    );
    crates.fails(
        "check -p app",
        &[],
        &[
            "`amount` of `MoneyDeposited` v2 was `i64` when v2 was released and is `u64` now",
            "`description` of `MoneyDeposited` v2 had no such attribute when v2 was released and has `#[serde(with = \"cents\")]` now",
            "domain/src/lib.rs:37:17",
        ],
    );

    // A released version that nothing reads any more.
    crates.change("version = 2, previous = MoneyDepositedV1", "version = 2, oldest = 2");
    crates.fails("check -p app", &[], &["v1 of `MoneyDeposited` is a released version of an event of `AccountEvent`"]);

    // The variable alone makes the compiler look again; what is accepted compiles, and is refused again without it.
    crates.succeeds("check -p domain", ACCEPT);
    crates.fails("check -p domain", &[], &["v1 of `MoneyDeposited` is a released version"]);

    // What old events can do without compiles, and the test tells that the lock is behind.
    crates.change(
        "    #[serde(rename = \"reason\")]",
        "    #[serde(default)]\n    pub by: String,\n    #[serde(rename = \"reason\", alias = \"because\")]",
    );
    crates.fails(
        "test -p domain --test schema",
        &[],
        &[
            "- `MoneyWithdrawn` v1 has another form than when it was released",
            "+    by: String  #[serde(default)]",
            "+    reason: Option<String>  #[serde(alias = \"because\")]",
            "run `ES_LOCK=accept cargo test`",
        ],
    );

    // The file alone makes the compiler look again.
    crates.change("", "");
    crates.succeeds("check -p domain", &[]);
    crates.write("domain/events.lock", &DOMAIN_LOCK.replace("inHellers: i64", "inHellers: u64"));
    crates.fails(
        "check -p domain",
        &[],
        &["`inHellers` of `MoneyWithdrawn` v1 was `u64` when v1 was released and is `i64` now"],
    );

    // A lock that cannot be read: refused, and written anew where a person asks.
    crates.write(
        "domain/events.lock",
        &DOMAIN_LOCK.replace("  event MoneyWithdrawn", "<<<<<<< ours\n  event MoneyWithdrawn"),
    );
    crates.fails("check -p domain", &[], &["line 8 of `events.lock` cannot be read"]);
    crates.succeeds("test -p domain --test schema", ACCEPT);
    assert_eq!(crates.read("domain/events.lock"), DOMAIN_LOCK);
}
