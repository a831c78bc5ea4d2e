//! The faults on the command line; `scripts/reliability` runs them all.
#![forbid(unsafe_code)]

use std::{env, path::Path, process::ExitCode, time::Duration};

use es_reliability::{Fault, Tally, disk, engines, files, followers, kills, order, rounds, switches};

const USAGE: &str = "\
es-reliability [--seed N] PART COUNT ..

  crashes ROUNDS   the server is stopped at once or killed under load, and started again
  absences ROUNDS  it is restarted, paused, or has no connections left
  kills ROUNDS     a process that writes is killed under load
  engines ROUNDS   a process that runs projections is killed
  pauses ROUNDS    of three that run projections some are paused, killed or cut off; the server crashes
  switches ROUNDS  new versions of a read model take over, under writes and readers
  order EVENTS     writers in every form, readers, and one that only remembers the last position
  disk ROUNDS      its disk is full for a while; needs the right to mount one
  files ROUNDS     processes that write to a file of the embedded store are killed, one or two at a time
  full-files ROUNDS  the disk of such a file is full for a while; needs the right to mount one

Each but the last two begins with a new cluster, and ends with a row for the table in docs/RELIABILITY.md. The first failure ends the program; the cluster's folder is kept then.";

#[tokio::main]
async fn main() -> ExitCode {
    let mut words = env::args().skip(1).peekable();
    let mut seed = uuid::Uuid::new_v4().as_u64_pair().0 >> 40;
    if words.peek().is_none() {
        eprintln!("{USAGE}");
        return ExitCode::FAILURE;
    }
    while let Some(word) = words.next() {
        if word == "child" {
            let (Some(url), Some(Ok(round))) = (words.next(), words.next().map(|round| round.parse())) else {
                return ExitCode::FAILURE;
            };
            kills::child(&url, round).await;
            return ExitCode::SUCCESS;
        }
        if word == "file" {
            let (Some(path), Some(Ok(round))) = (words.next(), words.next().map(|round| round.parse())) else {
                return ExitCode::FAILURE;
            };
            files::child(Path::new(&path), round).await;
            return ExitCode::SUCCESS;
        }
        if word == "engine" {
            let (Some(url), Some(path), Some(Ok(lease))) =
                (words.next(), words.next(), words.next().map(|lease| lease.parse()))
            else {
                return ExitCode::FAILURE;
            };
            followers::child(&url, Path::new(&path), Duration::from_millis(lease)).await;
            return ExitCode::SUCCESS;
        }
        let Some(Ok(count)) = words.next().map(|count| count.parse::<u64>()) else {
            eprintln!("{USAGE}");
            return ExitCode::FAILURE;
        };
        if word == "--seed" {
            seed = count;
            continue;
        }
        println!("{word} {count}, seed {seed}");
        match part(&word, count, seed).await {
            Ok(Some(tally)) => println!("| `{word} {count}` | {tally} | {seed} |"),
            Ok(None) => println!("| `{word} {count}` | left out | | |"),
            Err(()) => {
                eprintln!("{USAGE}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

async fn part(name: &str, count: u64, seed: u64) -> Result<Option<Tally>, ()> {
    Ok(match name {
        "crashes" => rounds::run(count, &[Fault::ImmediateStop, Fault::Kill, Fault::KillOne], seed).await,
        "absences" => rounds::run(count, &[Fault::Restart, Fault::Pause, Fault::Crowd], seed).await,
        "kills" => kills::run(count, seed, &env::current_exe().expect("this program")).await,
        "engines" => engines::kills(count, seed, &env::current_exe().expect("this program")).await,
        "pauses" => engines::pauses(count, seed, &env::current_exe().expect("this program")).await,
        "switches" => switches::run(count, seed).await,
        "order" => order::run(count, seed).await,
        "disk" => disk::run(count, seed).await,
        "files" => Some(files::kills(count, seed, &env::current_exe().expect("this program")).await),
        "full-files" => files::full(count, seed).await,
        _ => return Err(()),
    })
}
