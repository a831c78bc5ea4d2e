//! What the rounds took, and how it is printed.

use es_benches::figures::spread;

use crate::processor::Took;

/// The heads of the columns of what is printed.
pub(crate) fn print_head() {
    println!(
        "| what | events/s | reference, events/s | ratio | CPU, µs per event: program + server | the same of the reference |"
    );
    println!("|---|---|---|---|---|---|");
}

/// Two ways to do the same, round by round.
pub(crate) struct Rounds {
    events: f64,
    ours: Vec<Took>,
    reference: Vec<Took>,
}

impl Rounds {
    #[expect(clippy::cast_precision_loss, reason = "there are not that many events")]
    pub(crate) fn of(events: u64) -> Self {
        Self { events: events as f64, ours: Vec::new(), reference: Vec::new() }
    }

    pub(crate) fn add(&mut self, ours: Took, reference: Took) {
        self.ours.push(ours);
        self.reference.push(reference);
    }

    /// A line of the table. The first round is left out: it is the one that fills the caches.
    pub(crate) fn print(&self, what: &str) {
        let (ours, reference) = (&self.ours[1..], &self.reference[1..]);
        let ratios = ours.iter().zip(reference).map(|(ours, reference)| reference.clock / ours.clock).collect();
        println!(
            "| {what} | {} | {} | {} | {} | {} |",
            self.rates(ours),
            self.rates(reference),
            spread(ratios, 2),
            self.processor(ours),
            self.processor(reference),
        );
    }

    fn rates(&self, took: &[Took]) -> String {
        spread(took.iter().map(|took| self.events / took.clock).collect(), 0)
    }

    /// The median of each.
    fn processor(&self, took: &[Took]) -> String {
        let median = |part: fn(&Took) -> f64| {
            let mut each: Vec<f64> = took.iter().map(|took| part(took) * 1e6 / self.events).collect();
            each.sort_by(f64::total_cmp);
            each[(each.len() - 1) / 2]
        };
        format!("{:.1} + {:.1}", median(|took| took.program), median(|took| took.server))
    }
}
