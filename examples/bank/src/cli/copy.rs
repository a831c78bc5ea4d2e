//! The copy of a bank to another place, with a progress bar.

use ::bank::{
    databases::{Database, Postgres, Sqlite},
    projections,
};
use clap::Args;
use es_core::copy::{CopyPhase, CopyReport, CopyStatus, copy as copy_store};
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    bank::{Bank, Place},
    failure::Failure,
    output,
};

/// What was said of a copy.
#[derive(Args, Debug)]
pub(super) struct Copy {
    /// Where to, such as `sqlite:copy.db` or `postgres://localhost/bank`: an empty database, or an earlier copy of this bank
    #[arg(long, value_name = "URL")]
    to: String,
    /// Go on with a copy although this bank was restored or failed over since, if all that was copied is still there
    #[arg(long)]
    prove_source: bool,
    /// Do not make summaries and statements there; whoever asks for them later brings them up to date
    #[arg(long)]
    no_projections: bool,
}

pub(super) async fn copy(bank: &Bank<impl Database>, copy: &Copy) -> Result<(), Failure> {
    match Place::of(&copy.to)? {
        Place::Server(url) => copy_into(bank, Postgres::connect(&url).await?, copy).await,
        Place::File(path) => copy_into(bank, Sqlite::open(&path).await?, copy).await,
    }
}

async fn copy_into(bank: &Bank<impl Database>, target: impl Database, copy: &Copy) -> Result<(), Failure> {
    let outcome = async {
        output::print(&in_words(&copy_events(bank, &target, copy).await?))?;
        if !copy.no_projections {
            let engine = target.engine().start().await?;
            let taken_in = projections::all_taken_in(target.store(), &engine, None).await;
            engine.shutdown().await;
            taken_in?;
        }
        Ok(())
    };
    let outcome = outcome.await;
    target.close().await;
    outcome
}

async fn copy_events(bank: &Bank<impl Database>, target: &impl Database, copy: &Copy) -> Result<CopyReport, Failure> {
    let progress = Progress::new();
    let mut copying = copy_store(bank.store(), target.store()).observe(|status| progress.show(status));
    if copy.prove_source {
        copying = copying.prove_source();
    }
    let report = copying.await;
    progress.0.finish_and_clear();
    Ok(report?)
}

fn in_words(report: &CopyReport) -> String {
    let counts = [
        ("events copied", report.copied),
        ("events in all", report.events),
        ("read again", report.verified),
        ("archived accounts", report.archived),
    ];
    let lines = counts.map(|(name, count)| format!("{name:<22}{count:>10}\n")).concat();
    format!("{lines}\nthe same, with the hash {}\n", report.hash)
}

/// A bar on the standard error for each phase; where that is no terminal, there is none.
struct Progress(ProgressBar);

impl Progress {
    fn new() -> Self {
        let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}, {eta} left");
        Self(ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    fn show(&self, status: CopyStatus) {
        let doing = match status.phase {
            CopyPhase::Proving => "looking whether what was copied is still there",
            CopyPhase::Copying => "copying",
            CopyPhase::Verifying => "reading both again",
        };
        let Self(bar) = self;
        if !bar.message().starts_with(doing) {
            bar.reset();
        }
        bar.set_length(status.end.get());
        bar.set_position(status.position.get());
        bar.set_message(format!("{doing}, {} events", status.events));
    }
}
