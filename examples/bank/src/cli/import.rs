//! The import, with a progress bar, and the projections that are kept beside it.

use std::{
    fs,
    num::NonZeroUsize,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use ::bank::{
    databases::Database,
    import::{Observer, import as import_ledger},
    ledger::{Ledger, LedgerError},
    projections,
};
use clap::Args;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::{bank::Bank, failure::Failure, output};

/// What was said of an import.
#[derive(Args, Debug)]
pub(super) struct Import {
    /// The ledger: a text file with one transaction per line, fields separated by semicolons
    file: PathBuf,
    /// How many accounts are served at once
    #[arg(long, value_name = "ACCOUNTS", default_value = "32")]
    in_flight: NonZeroUsize,
    /// End with a line for programs: `commands_per_second=..`
    #[arg(long)]
    figures: bool,
    /// Do not keep summaries and statements beside the import; whatever asks for them later brings them up to date
    #[arg(long)]
    no_projections: bool,
}

pub(super) async fn import(bank: &Bank<impl Database>, import: &Import) -> Result<(), Failure> {
    if import.no_projections {
        return read_in(bank, import).await;
    }
    let engine = bank.database.engine().start().await?;
    let outcome = read_in(bank, import).await;
    let taken_in = match outcome {
        Ok(()) | Err(Failure::Incomplete) => projections::all_taken_in(bank.store(), &engine, None).await,
        Err(_) => Ok(()),
    };
    engine.shutdown().await;
    taken_in?;
    outcome
}

async fn read_in(bank: &Bank<impl Database>, Import { file, in_flight, figures, .. }: &Import) -> Result<(), Failure> {
    let ledger = Ledger::open(file)?;
    let progress = Progress::new(fs::metadata(file).map_or(0, |metadata| metadata.len()));
    let bar = progress.bar.clone();
    let report = import_ledger(bank.store(), ledger, *in_flight, progress).await;
    bar.finish_and_clear();
    let report = report?;
    output::print(&report.to_string())?;
    if *figures {
        output::print(&format!("commands_per_second={}\n", report.commands_per_second()))?;
    }
    if report.is_incomplete() { Err(Failure::Incomplete) } else { Ok(()) }
}

/// A bar on the standard error, with a rate; where that is no terminal, only the malformed lines are shown.
struct Progress {
    bar: ProgressBar,
    transactions: Arc<AtomicU64>,
}

impl Progress {
    /// A bar over the bytes of a file.
    fn new(bytes: u64) -> Self {
        let transactions = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&transactions);
        let rate = move |state: &ProgressState, text: &mut dyn std::fmt::Write| {
            let count = counted.load(Ordering::Relaxed);
            let milliseconds = state.elapsed().as_millis().max(1);
            let _ = write!(text, "{count} transactions, {} per second", u128::from(count) * 1_000 / milliseconds);
        };
        let template = "{bar:40} {percent:>3} %  {rate}, {eta} left";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(bytes).with_style(style.with_key("rate", rate));
        Self { bar, transactions }
    }
}

impl Observer for Progress {
    fn advanced(&self, bytes: u64) {
        self.transactions.fetch_add(1, Ordering::Relaxed);
        self.bar.inc(bytes);
    }

    fn malformed(&self, error: &LedgerError) {
        self.bar.suspend(|| eprintln!("{error}"));
    }
}
