//! What the macros write compiles in crates of the edition before, without warnings.

#[path = "hygiene_guests.rs"]
mod hygiene_guests;
