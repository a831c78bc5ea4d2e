//! What is told of a part that went well.

use std::{
    fmt,
    time::{Duration, Instant},
};

use crate::witness::{Witness, count};

/// The figures of one part.
#[derive(Debug)]
pub struct Tally {
    figures: Vec<(&'static str, u64)>,
    lasted: Duration,
}

impl Tally {
    pub(crate) fn new(began: Instant, events: usize, witness: &Witness) -> Self {
        let counts = &witness.counts;
        let figures = vec![
            ("events", u64::try_from(events).unwrap_or(0)),
            ("acknowledged", count(&counts.acknowledged)),
            ("unavailable", count(&counts.unavailable)),
            ("unknown", count(&counts.unknown)),
            ("conflicts", count(&counts.conflicts)),
            ("rolled back", count(&counts.rolled_back)),
            ("prepared", count(&counts.prepared)),
        ];
        Self { figures, lasted: began.elapsed() }
    }

    /// A further figure, before the others.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, figure: u64) -> Self {
        self.figures.insert(0, (name, figure));
        self
    }

    /// A figure by its name.
    pub fn figure(&self, name: &str) -> Option<u64> {
        self.figures.iter().find(|(of, _)| *of == name).map(|&(_, figure)| figure)
    }
}

/// A row of the table in docs/RELIABILITY.md, without the seed.
impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.figures.iter().filter(|(_, figure)| *figure > 0);
        let told: Vec<String> = told.map(|(name, figure)| format!("{name} {figure}")).collect();
        write!(formatter, "{} | {} s", told.join(", "), self.lasted.as_secs())
    }
}
