//! Time on the clock, and on the processor.

use std::{fs, time::Instant};

use sqlx::PgConnection;

use crate::Failure;

/// How many ticks of the processor's clock Linux tells in a second.
const TICKS: f64 = 100.0;

/// Of what the time is taken: this process, and the server.
pub(crate) struct Processor {
    server: u64,
}

/// What something took, in seconds.
#[derive(Clone, Copy)]
pub(crate) struct Took {
    pub(crate) clock: f64,
    pub(crate) program: f64,
    pub(crate) server: f64,
}

/// A time at which something began.
pub(crate) struct Begun {
    clock: Instant,
    program: f64,
    server: f64,
}

impl Processor {
    pub(crate) async fn of(connection: &mut PgConnection) -> Result<Self, Failure> {
        let ours: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(connection).await?;
        Ok(Self { server: Stat::of(ours.unsigned_abs().into())?.parent })
    }

    pub(crate) fn begin(&self) -> Result<Begun, Failure> {
        Ok(Begun { program: Stat::of(std::process::id().into())?.own, server: self.server()?, clock: Instant::now() })
    }

    pub(crate) fn end(&self, begun: &Begun) -> Result<Took, Failure> {
        let clock = begun.clock.elapsed().as_secs_f64();
        let program = Stat::of(std::process::id().into())?.own - begun.program;
        Ok(Took { clock, program, server: self.server()? - begun.server })
    }

    /// The server with its processes, those that have ended among them.
    fn server(&self) -> Result<f64, Failure> {
        let postmaster = Stat::of(self.server)?;
        let mut seconds = postmaster.own + postmaster.children;
        for entry in fs::read_dir("/proc")? {
            let process = entry?.file_name().to_str().and_then(|name| name.parse().ok());
            // One that has just ended is among those that have.
            if let Some(stat) = process.and_then(|process| Stat::of(process).ok())
                && stat.parent == self.server
            {
                seconds += stat.own;
            }
        }
        Ok(seconds)
    }
}

/// What Linux tells of a process; times in seconds.
struct Stat {
    parent: u64,
    own: f64,
    children: f64,
}

impl Stat {
    fn of(process: u64) -> Result<Self, Failure> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        // The name in parentheses may hold anything.
        let (_, fields) = stat.rsplit_once(')').ok_or("no name")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let seconds = |first: usize| -> Result<f64, Failure> {
            Ok((fields[first].parse::<f64>()? + fields[first + 1].parse::<f64>()?) / TICKS)
        };
        Ok(Self { parent: fields[1].parse()?, own: seconds(11)?, children: seconds(13)? })
    }
}
