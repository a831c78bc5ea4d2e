//! `events.lock`: what this crate has released, and whether the code still is that.
//!
//! Nothing here writes. The file is made by the test that `es_core::testing::schema_lock!` writes.

mod case;
mod compare;
mod shape;

use std::{
    env, fs, io,
    path::{self, Path},
};

use es_lock::{Lock, ParseError};
use proc_macro2::TokenStream;
use quote::quote;

pub(crate) use self::{compare::compare, shape::Shape};
use crate::{
    attributes::{Key, Kind},
    messages::lock,
};

/// The key that exempts from the lock, for what only a test has.
pub(crate) const UNLOCKED: Key = Key { name: "unlocked", kind: Kind::Flag, example: "unlocked" };

/// The lock of the crate that is being compiled.
#[derive(Debug)]
pub(crate) struct File {
    /// Where it is, as the compiler can be told.
    path: Option<String>,
    content: Result<Lock, Unreadable>,
    /// Whether the test is about to write it anew, so that there is nothing to compare with.
    accepting: bool,
}

#[derive(Debug)]
enum Unreadable {
    Io(io::Error),
    /// With the line that cannot be read.
    Parse(ParseError, String),
    /// The same, where the file is of a form that may be written anew.
    Ours(ParseError, String),
}

impl File {
    /// `None` where the crate has none: then nothing is compared.
    pub(crate) fn of_this_crate() -> Option<Self> {
        let folder = env::var_os("CARGO_MANIFEST_DIR")?;
        let accepting = env::var_os(es_lock::VARIABLE).is_some_and(|value| value == es_lock::ACCEPT);
        Self::read(Path::new(&folder), accepting)
    }

    fn read(folder: &Path, accepting: bool) -> Option<Self> {
        let file = folder.join(es_lock::FILE);
        let content = match fs::read_to_string(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => Err(Unreadable::Io(error)),
            Ok(text) => Lock::parse(&text).map_err(|error| {
                let line = text.lines().nth(error.line - 1).unwrap_or_default().trim().to_owned();
                if es_lock::is_ours(&text) { Unreadable::Ours(error, line) } else { Unreadable::Parse(error, line) }
            }),
        };
        // What is not even a file cannot be watched, and would be complained about once more.
        let can_be_watched =
            !matches!(&content, Err(Unreadable::Io(error)) if error.kind() != io::ErrorKind::InvalidData);
        // Some build systems give a relative folder, which the compiler would take from the source file's.
        let absolute = path::absolute(&file).ok().filter(|_| can_be_watched);
        Some(Self { path: absolute.and_then(|path| path.to_str().map(str::to_owned)), content, accepting })
    }

    /// What there is to compare with. Under `ES_LOCK=accept` that is nothing, so that the test which writes the file
    /// can be compiled.
    pub(crate) fn released(&self) -> Option<&Lock> {
        self.content.as_ref().ok().filter(|_| !self.accepting)
    }

    /// Why the file cannot be read, if it cannot. A file that the test may write anew is no obstacle to that.
    pub(crate) fn complaint(&self) -> Option<String> {
        match self.content.as_ref().err()? {
            Unreadable::Ours(..) if self.accepting => None,
            Unreadable::Io(error) => Some(lock::not_read(error)),
            Unreadable::Parse(error, line) | Unreadable::Ours(error, line) => Some(lock::not_understood(error, line)),
        }
    }

    /// Makes the compiler look again when the file changes, or the variable. This is written even where nothing is
    /// compared: the next build may compare.
    ///
    /// ```text
    /// const _: &[u8] = ::core::include_bytes!("/home/ada/bank/events.lock");
    /// const _: Option<&str> = ::core::option_env!("ES_LOCK");
    /// ```
    pub(crate) fn tracking(&self) -> TokenStream {
        let variable = es_lock::VARIABLE;
        let file = self.path.as_ref().map(|path| {
            quote!(
                const _: &[::core::primitive::u8] = ::core::include_bytes!(#path);
            )
        });
        quote! {
            #file
            const _: ::core::option::Option<&::core::primitive::str> = ::core::option_env!(#variable);
        }
    }
}
