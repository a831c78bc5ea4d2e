//! The database of the model: a sequence, writers with their locks, and what can be seen.

use super::{Mutation, Positions, SERVER, Step, up_to};
use crate::frontier::proof::{Transaction, Writer};

/// What a writer may do besides drawing, committing and rolling back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// How many events it inserts, one after the other.
    pub(super) positions: u8,
    /// Whether it may prepare, and commit or roll back later.
    pub(super) prepares: bool,
    /// Whether the server may crash under it.
    pub(super) crashes: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    /// The last position that was drawn.
    last: u8,
    /// The last that reached the disk: a commit and a prepare take along what was drawn before them.
    durable: u8,
    visible: Positions,
    /// The server crashes at most once.
    may_crash: bool,
    writers: Vec<Process>,
    cache: bool,
    draws_first: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Process {
    /// How many positions it may still draw.
    left: u8,
    prepares: bool,
    stage: Stage,
    /// What it has drawn and not committed.
    drawn: Positions,
    /// Positions drawn by the process in advance, which outlive its transaction.
    cached: Positions,
    /// The number of its transaction.
    local: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stage {
    Idle,
    /// Has drawn, and holds no lock: it does so only where something is wrong.
    Unlocked,
    /// Holds the lock.
    Open,
    /// Has no process any more. After a crash it has another name.
    Prepared {
        renamed: bool,
    },
    /// Can be seen, or is rolled back, and has not let its lock go.
    Leaving {
        prepared: bool,
        renamed: bool,
    },
    Gone,
}

impl World {
    pub(super) fn new(plans: &[Plan], mutation: Option<Mutation>) -> Self {
        let writers = plans.iter().map(|plan| Process {
            left: plan.positions,
            prepares: plan.prepares,
            stage: Stage::Idle,
            drawn: 0,
            cached: 0,
            local: 1,
        });
        Self {
            last: 0,
            durable: 0,
            visible: 0,
            may_crash: plans.iter().any(|plan| plan.crashes),
            writers: writers.collect(),
            cache: mutation == Some(Mutation::Cache),
            draws_first: mutation == Some(Mutation::DrawBeforeLock),
        }
    }

    pub(super) fn visible(&self) -> Positions {
        self.visible
    }

    pub(super) fn last_value(&self) -> u64 {
        u64::from(self.last)
    }

    pub(super) fn highest(visible: Positions) -> u64 {
        u64::from(visible.checked_ilog2().unwrap_or(0))
    }

    pub(super) fn all_ended(&self) -> bool {
        self.writers.iter().all(|writer| writer.stage == Stage::Gone)
    }

    /// Whether a position that cannot be seen now, up to this one, may be seen later.
    pub(super) fn may_fill_up_to(&self, position: u64) -> bool {
        let undrawn = !up_to(self.last_value());
        let drawn = self.writers.iter().fold(0, |all, writer| all | writer.drawn | writer.cached);
        up_to(position) & !self.visible & (undrawn | drawn) != 0
    }

    /// What `sql/frontier_writers.sql` sees.
    pub(super) fn holders(&self) -> Vec<Writer> {
        let holders = (1_i32..).zip(&self.writers).filter_map(|(number, writer)| {
            let (prepared, renamed, ended) = match writer.stage {
                Stage::Idle | Stage::Unlocked | Stage::Gone => return None,
                Stage::Open => (false, false, false),
                Stage::Prepared { renamed } => (true, renamed, false),
                // That of a process is between transactions by now; that of a prepared one keeps its name to the end.
                Stage::Leaving { prepared, renamed } => (prepared, renamed, !prepared),
            };
            let transaction = match (renamed, ended) {
                (true, _) => Transaction { backend: -1, local: 700 + number.unsigned_abs() },
                (false, true) => Transaction { backend: number, local: 0 },
                (false, false) => Transaction { backend: number, local: writer.local },
            };
            Some(Writer { transaction, prepared })
        });
        holders.collect()
    }

    /// Every step that some writer, or a crash, can take.
    pub(super) fn next(&self) -> Vec<(Step, Self)> {
        let mut next = Vec::new();
        for (number, writer) in self.writers.iter().enumerate() {
            let mut step = |what: &'static str, change: &dyn Fn(&mut Self)| {
                let mut world = self.clone();
                change(&mut world);
                next.push((Step { who: number + 1, what }, world));
            };
            let stage = |stage| move |world: &mut Self| world.writers[number].stage = stage;
            match writer.stage {
                Stage::Idle if self.draws_first => {
                    step("draws, without a lock", &|world| world.draw(number, Stage::Unlocked));
                }
                Stage::Idle => {
                    step("takes the lock", &stage(Stage::Open));
                    step("never begins", &stage(Stage::Gone));
                }
                Stage::Unlocked => step("takes the lock", &stage(Stage::Open)),
                Stage::Open => {
                    if writer.left > 0 {
                        step("draws", &|world| world.draw(number, Stage::Open));
                    }
                    if writer.prepares {
                        step("prepares", &|world| {
                            world.durable = world.last;
                            world.writers[number].stage = Stage::Prepared { renamed: false };
                        });
                    }
                    self.ends(number, Stage::Leaving { prepared: false, renamed: false }, &mut step);
                }
                Stage::Prepared { renamed } => {
                    self.ends(number, Stage::Leaving { prepared: true, renamed }, &mut step);
                }
                Stage::Leaving { .. } => step("lets its lock go", &|world| world.let_go(number)),
                Stage::Gone => {}
            }
        }
        if self.may_crash && !self.all_ended() {
            next.push((Step { who: SERVER, what: "crashes" }, self.crashed()));
        }
        next
    }

    fn ends(&self, number: usize, leaving: Stage, step: &mut impl FnMut(&'static str, &dyn Fn(&mut Self))) {
        let leave = |world: &mut Self, visible| {
            world.visible |= visible;
            if visible != 0 {
                world.durable = world.last;
            }
            world.writers[number].drawn = 0;
            world.writers[number].stage = leaving;
        };
        let drawn = self.writers[number].drawn;
        step("commits", &|world| leave(world, drawn));
        if drawn != 0 {
            step("rolls back", &|world| leave(world, 0));
        }
    }

    fn draw(&mut self, number: usize, stage: Stage) {
        let writer = &mut self.writers[number];
        writer.stage = stage;
        writer.left -= 1;
        if writer.cached != 0 {
            (writer.drawn, writer.cached) = (writer.drawn | writer.cached, 0);
            return;
        }
        self.last += 1;
        writer.drawn |= 1 << self.last;
        if self.cache && writer.left > 0 {
            self.last += 1;
            writer.cached = 1 << self.last;
        }
    }

    fn let_go(&mut self, number: usize) {
        let writer = &mut self.writers[number];
        // What a process has in its cache is for its next transaction.
        let goes_on = writer.cached != 0;
        writer.stage = if goes_on { Stage::Idle } else { Stage::Gone };
        writer.local += u32::from(goes_on);
    }

    /// Every process is gone, prepared transactions have other names, and the sequence is where it was on the disk.
    fn crashed(&self) -> Self {
        let mut world = self.clone();
        world.last = world.durable;
        world.may_crash = false;
        for writer in &mut world.writers {
            writer.cached = 0;
            writer.stage = match writer.stage {
                Stage::Prepared { .. } => Stage::Prepared { renamed: true },
                Stage::Idle => Stage::Idle,
                Stage::Leaving { .. } | Stage::Open | Stage::Unlocked | Stage::Gone => {
                    writer.drawn = 0;
                    Stage::Gone
                }
            };
        }
        world
    }
}
