//! What looks after the projections: status, pause, resume, parked, redrive, drop-older.

use ::bank::projections;
use clap::Subcommand;
use es_core::{engine::EngineError, projection::DeadLetter, store::StoredEvent};

use super::{
    bank::Bank,
    failure::Failure,
    output::{
        self,
        Align::{Left, Right},
        Table,
    },
};

/// How many parked events are listed.
const LISTED: u32 = 100;

#[derive(Subcommand, Debug, Default)]
pub(super) enum Projections {
    /// Show how far they are, and what has stopped them
    #[default]
    Status,
    /// Have one take in nothing more
    Pause { name: String },
    /// Have one go on that was paused, or has stopped at an event
    Resume { name: String },
    /// List the events that one could not take in and has put aside
    Parked { name: String },
    /// Try the parked events of one again
    Redrive { name: String },
    /// Remove the tables of versions that nobody reads any more
    DropOlder { name: String },
}

pub(super) async fn look_after(bank: &Bank, what: Projections) -> Result<(), Failure> {
    let engine = projections::engine(&bank.store);
    // So that the store knows them, in a new database, too.
    engine.prepare().await?;
    let controls = engine.controls();
    match &what {
        Projections::Status => {}
        Projections::Pause { name } => controls.pause(name).await?,
        Projections::Resume { name } => controls.resume(name).await?,
        Projections::DropOlder { name } => controls.drop_older(name).await?,
        Projections::Parked { name } => return parked(controls.dead_letters(name, LISTED).await?),
        Projections::Redrive { name } => {
            controls.redrive(name).await?;
            match engine.run_to_frontier().await {
                // Whoever runs it next sees to it.
                Ok(()) | Err(EngineError::Paused { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(output::print(&format!("{}\n", controls.status().await?))?)
}

fn parked(letters: Vec<(DeadLetter, StoredEvent)>) -> Result<(), Failure> {
    let mut table = Table::new([("position", Right), ("stream", Left), ("event", Left), ("why", Left)]);
    for (letter, event) in letters {
        let what = if letter.skipped { "passed over: " } else { "" };
        table.row([
            letter.position.to_string(),
            event.stream.to_string(),
            event.event_type,
            format!("{what}{}", letter.failure),
        ]);
    }
    Ok(output::print(&table.render())?)
}
