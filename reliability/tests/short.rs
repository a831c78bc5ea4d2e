//! The short form of each part: some rounds, some seconds. `scripts/reliability` runs the long one.

use std::path::Path;

use es_reliability::{Fault, Tally, disk, engines, files, kills, order, rounds, switches};

const SEED: u64 = 7;

fn assert_tried(tally: &Tally, figures: &[&str]) {
    println!("{tally}");
    for figure in figures {
        assert!(tally.figure(figure).is_some_and(|figure| figure > 0), "nothing was tried: {figure}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_loses_and_doubles_nothing() {
    let faults = [Fault::ImmediateStop, Fault::Kill, Fault::KillOne];
    let Some(tally) = rounds::run(3, &faults, SEED).await else { return };
    assert_tried(&tally, &["acknowledged", "unavailable", "conflicts", "rolled back", "prepared"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_for_a_while_is_waited_for() {
    let faults = [Fault::Restart, Fault::Pause, Fault::Crowd];
    let Some(tally) = rounds::run(3, &faults, SEED).await else { return };
    assert_tried(&tally, &["acknowledged", "unavailable"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_and_doubles_nothing() {
    let Some(tally) = disk::run(1, SEED).await else { return };
    assert_tried(&tally, &["acknowledged", "unavailable"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_process_had_under_way_happens_once() {
    let program = Path::new(env!("CARGO_BIN_EXE_es-reliability"));
    let Some(tally) = kills::run(3, SEED, program).await else { return };
    assert_tried(&tally, &["acknowledged", "sent again"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_process_was_told_is_in_its_file_once() {
    let program = Path::new(env!("CARGO_BIN_EXE_es-reliability"));
    let tally = files::kills(12, SEED, program).await;
    assert_tried(&tally, &["acknowledged", "sent again", "processes killed"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_on_a_full_disk_loses_and_doubles_nothing() {
    let Some(tally) = files::full(2, SEED).await else { return };
    assert_tried(&tally, &["acknowledged", "unavailable"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reader_misses_an_event_and_a_naive_one_does() {
    let Some(tally) = order::run(30_000, SEED).await else { return };
    assert_tried(&tally, &["acknowledged", "missed by the naive reader", "connections killed", "rolled back"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_is_killed_takes_in_each_event_once() {
    let program = Path::new(env!("CARGO_BIN_EXE_es-reliability"));
    let Some(tally) = engines::kills(20, SEED, program).await else { return };
    assert_tried(&tally, &["events", "claims"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engines_that_are_held_up_for_longer_than_their_lease_change_nothing_late() {
    let program = Path::new(env!("CARGO_BIN_EXE_es-reliability"));
    let Some(tally) = engines::pauses(12, SEED, program).await else { return };
    assert_tried(&tally, &["events", "claims"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_one_version_or_the_other_whole() {
    let Some(tally) = switches::run(1, SEED).await else { return };
    assert_tried(&tally, &["looks", "events"]);
}
