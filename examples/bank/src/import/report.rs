//! What an import came to.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::domain::AccountId;

/// How many rejected transactions are named one by one; the others are counted.
pub const NAMED_REJECTIONS: usize = 20;

/// What an import came to. Its `Display` is the report for people.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// Lines with something in them, without the header.
    pub lines: u64,
    /// Lines that were left out because they are malformed.
    pub malformed: u64,
    /// What became of the transactions.
    pub tally: Tally,
    /// How long it took.
    pub elapsed: Duration,
}

/// What became of the transactions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Accounts that were opened.
    pub opened: u64,
    /// Transactions that were stored.
    pub applied: u64,
    /// Transactions that an earlier import had stored.
    pub already_there: u64,
    /// The first rejected transactions, by line; at most [`NAMED_REJECTIONS`].
    pub rejections: Vec<Rejection>,
    /// How many transactions were rejected, by the rule that they broke.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Commands executed, with those that opened accounts, found nothing to do, or were refused.
    pub commands: u64,
}

/// A transaction that was not stored, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Rejection {
    /// Its line.
    pub line: u64,
    /// Its account.
    pub account: String,
    /// The rule that it broke.
    pub rule: &'static str,
    /// The same with all figures.
    pub reason: String,
}

impl Rejection {
    pub(super) fn new(line: u64, account: AccountId, rule: &'static str, reason: String) -> Self {
        Self { line, account: account.0, rule, reason }
    }
}

impl Tally {
    /// How many transactions were rejected.
    pub fn rejected(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Takes in a rejection. They come in the order of their lines, so the first ones are those to name.
    pub(super) fn reject(&mut self, rejection: Rejection) {
        *self.rejected.entry(rejection.rule).or_default() += 1;
        if self.rejections.len() < NAMED_REJECTIONS {
            self.rejections.push(rejection);
        }
    }
}

impl Report {
    /// Takes in what one worker did.
    pub(super) fn add(&mut self, other: Tally) {
        let Tally { opened, applied, already_there, rejections, rejected, commands } = other;
        let tally = &mut self.tally;
        tally.opened += opened;
        tally.applied += applied;
        tally.already_there += already_there;
        tally.commands += commands;
        for (rule, count) in rejected {
            *tally.rejected.entry(rule).or_default() += count;
        }
        tally.rejections.extend(rejections);
        tally.rejections.sort();
        tally.rejections.truncate(NAMED_REJECTIONS);
    }

    /// Whether something was left out.
    pub fn is_incomplete(&self) -> bool {
        self.malformed > 0 || self.tally.rejected() > 0
    }

    /// Commands per second, a whole number, over the whole import.
    pub fn commands_per_second(&self) -> u64 {
        let milliseconds = u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
        self.tally.commands.saturating_mul(1_000) / milliseconds
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = &self.tally;
        let counts = [
            ("lines read", self.lines),
            ("accounts opened", tally.opened),
            ("transactions applied", tally.applied),
            ("already there", tally.already_there),
            ("rejected", tally.rejected()),
            ("malformed lines", self.malformed),
        ];
        for (name, count) in counts {
            writeln!(formatter, "{name:<22}{count:>10}")?;
        }
        let seconds = self.elapsed.as_secs_f64();
        writeln!(
            formatter,
            "\n{} commands in {seconds:.1} seconds, {} per second",
            tally.commands,
            self.commands_per_second()
        )?;
        if !tally.rejections.is_empty() {
            self.fmt_rejections(formatter)?;
        }
        Ok(())
    }
}

impl Report {
    fn fmt_rejections(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { rejections, rejected, .. } = &self.tally;
        writeln!(formatter, "\nrejected, and why:")?;
        for Rejection { line, account, reason, .. } in rejections {
            writeln!(formatter, "  line {line}, account {account}: {reason}")?;
        }
        let others = self.tally.rejected() - rejections.len() as u64;
        if others > 0 {
            writeln!(formatter, "  and {others} more; all of them by reason:")?;
            for (rule, count) in rejected {
                writeln!(formatter, "  {count:>8}  {rule}")?;
            }
        }
        Ok(())
    }
}
