//! Projections: the store keeps what they are, how far they have come and who runs them, and the rows of read models.

/// What the store has for projections.
#[derive(Debug, Default)]
pub(crate) struct Projections {}
