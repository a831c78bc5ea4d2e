//! What the macros write compiles in crates of the edition before, without warnings.

// The file is formatted as one of the present edition.
#[rustfmt::skip]
#[path = "hygiene_guests.rs"]
mod hygiene_guests;
