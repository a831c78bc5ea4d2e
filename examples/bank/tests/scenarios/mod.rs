//! What a bank does, on any database.

pub(crate) mod copying;
pub(crate) mod import;
pub(crate) mod in_file;
pub(crate) mod opened;
pub(crate) mod program;
pub(crate) mod projections;
