//! What is measured beside a reference, in turn.

use std::time::Duration;

use crate::figures::spread;

/// Two ways to do the same, round by round.
#[derive(Debug)]
pub struct Pairs {
    unit: &'static str,
    ours: Vec<f64>,
    by_hand: Vec<f64>,
}

impl Pairs {
    /// No rounds yet, of figures in this unit.
    pub fn new(unit: &'static str) -> Self {
        Self { unit, ours: Vec::new(), by_hand: Vec::new() }
    }

    /// What a round took, in milliseconds.
    pub fn add(&mut self, ours: Duration, by_hand: Duration) {
        self.add_figures(ours.as_secs_f64() * 1e3, by_hand.as_secs_f64() * 1e3);
    }

    /// What a round came to, in the unit.
    pub fn add_figures(&mut self, ours: f64, by_hand: f64) {
        self.ours.push(ours);
        self.by_hand.push(by_hand);
    }

    /// Prints a line of a table. The first round is left out: it is the one that fills the caches.
    ///
    /// # Panics
    /// On less than two rounds.
    pub fn print(mut self, what: &str) {
        self.ours.remove(0);
        self.by_hand.remove(0);
        let ratios = self.ours.iter().zip(&self.by_hand).map(|(ours, by_hand)| ours / by_hand).collect();
        let (ours, by_hand) = (spread(self.ours, 2), spread(self.by_hand, 2));
        println!("| {what} | {ours} {unit} | {by_hand} {unit} | {} |", spread(ratios, 2), unit = self.unit);
    }
}
