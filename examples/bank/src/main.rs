//! The program `bank`: a bank on the command line.
//!
//! It ends with 0 when all is well, with 1 when something was refused, unknown or left out, and with 2 when it could
//! not do its work at all.

mod cli;

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    match cli::run(cli::Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
