//! Many commands, each to its aggregate, side by side.

use std::{cmp::Reverse, collections::HashMap, fmt, future::IntoFuture, num::NonZeroUsize};

use chrono::{DateTime, Utc};
use futures_util::{
    StreamExt as _,
    stream::{self, Stream},
};
use tokio::sync::oneshot;

use super::{
    ExecuteError, Executed, Repository,
    asked::Asked,
    execute::{BoxFuture, Outcome},
    setters::metadata_setters,
};
use crate::{
    aggregate::Aggregate,
    command::Command,
    recorded::{EventId, Metadata},
    store::EventStore,
};

/// How many commands are under way together.
const CONCURRENCY: NonZeroUsize = NonZeroUsize::new(64).expect("64 is not 0");

/// Many commands about to be executed; made by [`Repository::execute_all`]. Await it for all results, or take them one by
/// one from [`stream`](Self::stream).
#[must_use = "nothing happens until this is awaited"]
pub struct ExecuteAll<'a, A: Aggregate, S, I, C, E> {
    commands: I,
    how: How<'a, A, S, C>,
    /// As that of `Execute`.
    boxed: fn(Self) -> BoxFuture<'a, Outcomes<A, E>>,
}

/// What is said about all of them.
struct How<'a, A: Aggregate, S, C> {
    repository: &'a Repository<A, S>,
    metadata: Metadata,
    occurred_at: Option<DateTime<Utc>>,
    idempotency_key: Option<Box<KeyOf<'a, A, C>>>,
    concurrency: NonZeroUsize,
}

type Outcomes<A, E> = Vec<Outcome<A, E>>;
type KeyOf<'a, A, C> = dyn Fn(&<A as Aggregate>::Id, &C) -> String + Send + Sync + 'a;

impl<'a, A: Aggregate, S, I, C, E> ExecuteAll<'a, A, S, I, C, E> {
    metadata_setters!(|all| all.how.metadata);

    /// When all of it happened. Unless this is said, each command happens when its turn comes.
    pub fn occurred_at(mut self, time: DateTime<Utc>) -> Self {
        self.how.occurred_at = Some(time);
        self
    }

    /// How each command is named within its stream, so that it happens once however often all of this is repeated. See
    /// [`Execute::idempotency_key`](super::Execute::idempotency_key).
    pub fn idempotency_key(mut self, key: impl Fn(&A::Id, &C) -> String + Send + Sync + 'a) -> Self {
        self.how.idempotency_key = Some(Box::new(key));
        self
    }

    /// How many commands are under way together; 64 unless set, and at least one.
    pub fn concurrency(mut self, commands: usize) -> Self {
        self.how.concurrency = NonZeroUsize::new(commands).unwrap_or(NonZeroUsize::MIN);
        self
    }
}

impl<'a, A, S, I, C> ExecuteAll<'a, A, S, I, C, C::Error>
where
    A: Aggregate,
    S: EventStore,
    I: Iterator<Item = (A::Id, C)> + Send + 'a,
    C: Command<A> + 'a,
    C::Error: Send,
{
    pub(super) fn new(repository: &'a Repository<A, S>, commands: I) -> Self {
        let boxed = |all: Self| -> BoxFuture<'a, _> { Box::pin(all.run()) };
        let metadata = Metadata::at(Utc::now());
        let how = How { repository, metadata, occurred_at: None, idempotency_key: None, concurrency: CONCURRENCY };
        Self { commands, how, boxed }
    }

    /// Executes all, without the box that `.await` needs.
    pub async fn run(self) -> Vec<Result<Executed<A>, ExecuteError<C::Error>>> {
        let how = &self.how;
        let lines = lines(self.commands);
        let count = lines.iter().map(Vec::len).sum();
        let mut results: Vec<Option<Outcome<A, C::Error>>> = std::iter::repeat_with(|| None).take(count).collect();
        let mut under_way =
            stream::iter(lines).map(|line| how.one_by_one(line)).buffer_unordered(how.concurrency.get());
        while let Some(line) = under_way.next().await {
            for (index, result) in line {
                results[index] = Some(result);
            }
        }
        results.into_iter().flatten().collect()
    }

    /// The results one by one, in the order of the commands. The commands are taken from their iterator as their turn comes,
    /// and [`concurrency`](Self::concurrency) bounds how many are under way or wait to be given out, so memory is bounded
    /// for any number of them. A command that takes long holds up those behind it sooner than where all are awaited.
    ///
    /// Nothing happens while nobody polls it. Dropped, it leaves each command under way either done or not done.
    pub fn stream(self) -> impl Stream<Item = Result<Executed<A>, ExecuteError<C::Error>>> + Send + 'a {
        let Self { commands, how, .. } = self;
        let concurrency = how.concurrency.get();
        let how = std::sync::Arc::new(how);
        let mut turns = Turns::new(concurrency);
        stream::iter(commands)
            .map(move |(id, command)| {
                let (how, turn) = (std::sync::Arc::clone(&how), turns.next(&id));
                async move {
                    let ended = turn.begin().await;
                    let result = how.execute(&id, command).await;
                    drop(ended);
                    result
                }
            })
            .buffered(concurrency)
    }
}

impl<A: Aggregate, S: EventStore, C: Command<A>> How<'_, A, S, C> {
    async fn execute(&self, id: &A::Id, command: C) -> Outcome<A, C::Error> {
        let occurred_at = self.occurred_at.unwrap_or_else(Utc::now);
        let metadata = Metadata { event_id: EventId::now(), occurred_at, ..self.metadata.clone() };
        let idempotency_key = self.idempotency_key.as_ref().map(|key| key(id, &command));
        Asked { repository: self.repository, id, command, metadata, idempotency_key }.under_way().run().await
    }

    async fn one_by_one(&self, line: Vec<(usize, A::Id, C)>) -> Vec<(usize, Outcome<A, C::Error>)> {
        let mut results = Vec::with_capacity(line.len());
        for (index, id, command) in line {
            results.push((index, self.execute(&id, command).await));
        }
        results
    }
}

/// The commands of each id in their order, with their places among all. The longest line comes first, because it ends last.
fn lines<Id: Clone + Eq + std::hash::Hash, C>(commands: impl Iterator<Item = (Id, C)>) -> Vec<Vec<(usize, Id, C)>> {
    let mut lines: Vec<Vec<_>> = Vec::new();
    let mut line_of = HashMap::new();
    for (index, (id, command)) in commands.enumerate() {
        let line = *line_of.entry(id.clone()).or_insert(lines.len());
        if line == lines.len() {
            lines.push(Vec::new());
        }
        lines[line].push((index, id, command));
    }
    lines.sort_by_key(|line| Reverse(line.len()));
    lines
}

/// Lets the commands of one id wait for one another, where they are under way with others.
struct Turns<Id> {
    /// The end of the last command of each id that may still be under way.
    last: HashMap<Id, oneshot::Receiver<()>>,
    /// How many there may be before those that have ended are cleared away.
    many: usize,
}

struct Turn {
    before: Option<oneshot::Receiver<()>>,
    ended: oneshot::Sender<()>,
}

impl<Id: Clone + Eq + std::hash::Hash> Turns<Id> {
    fn new(under_way: usize) -> Self {
        Self { last: HashMap::new(), many: under_way.saturating_mul(2) }
    }

    fn next(&mut self, id: &Id) -> Turn {
        if self.last.len() >= self.many {
            self.last.retain(|_, end| matches!(end.try_recv(), Err(oneshot::error::TryRecvError::Empty)));
        }
        let (ended, end) = oneshot::channel();
        Turn { before: self.last.insert(id.clone(), end), ended }
    }
}

impl Turn {
    /// Waits for the command before; what it gives back says, dropped, that this one has ended.
    async fn begin(self) -> oneshot::Sender<()> {
        if let Some(before) = self.before {
            // It is never sent, only dropped, and so however the command ends.
            let _ = before.await;
        }
        self.ended
    }
}

impl<'a, A: Aggregate, S, I, C, E> IntoFuture for ExecuteAll<'a, A, S, I, C, E> {
    type Output = Outcomes<A, E>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        (self.boxed)(self)
    }
}

impl<A: Aggregate, S, I, C, E> fmt::Debug for ExecuteAll<'_, A, S, I, C, E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ExecuteAll")
            .field("metadata", &self.how.metadata)
            .field("concurrency", &self.how.concurrency)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Turns;

    #[test]
    fn turns_that_have_ended_are_cleared_away() {
        let mut turns = Turns::new(8);
        let mut under_way = std::collections::VecDeque::new();
        for id in 0..1_000 {
            let turn = turns.next(&id);
            assert!(turn.before.is_none());
            under_way.push_back(turn.ended);
            if under_way.len() == 8 {
                under_way.pop_front();
            }
            assert!(turns.last.len() <= 16);
        }
        assert!(turns.next(&999).before.is_some(), "it is under way");
    }
}
