//! What becomes of a batch that the database did not take as it was: sent again, split, or given up, append by append.
//!
//! One append must never fail because of another that happens to travel with it. So whatever an error is about, it is an
//! append's own only once it was sent alone.

/// How often a single append that lost a race is sent: each time it may meet another.
const ATTEMPTS: u32 = 64;

/// A batch, or what is left of one: appends that are sent together.
#[derive(Clone, Debug)]
pub(crate) struct Piece<R> {
    pub(crate) requests: Vec<R>,
    /// How long it waits for other transactions that have written to its streams.
    pub(crate) patience: Patience,
    /// Whether it was sent before on a connection that was lost, so that it may have been stored.
    pub(crate) lost: bool,
    races: u32,
    /// Whether these were not stored by a statement that does not say why.
    unexplained: bool,
}

/// How long a statement waits for another transaction's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// As long as neighbours can be asked to wait.
    Usual,
    /// Hardly: among these is one whose stream is held, and the others have waited for it already.
    Little,
    /// As long as the settings say: this is of one stream, on the slow lane.
    Full,
}

/// What a chain is made of: appends of one stream, one behind the other. Their order is kept, however they are split.
pub(crate) trait OfStream {
    fn same_stream(&self, other: &Self) -> bool;
}

/// Why a piece was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Another writer came first, and what it stored can be seen now; or the database gave up for the sake of others.
    Race,
    /// Another transaction that wrote to one of the streams stayed open.
    Held,
    /// The database refused it for any other reason.
    Refused,
    /// The connection was lost before the answer came.
    Lost,
    /// There was no connection.
    NotSent,
}

/// What to do with each append of a piece.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<P, R> {
    /// Send these, in this order.
    Send(Vec<P>),
    /// This one, of one stream, goes to the slow lane, and what is still to be sent of its stream with it.
    Slow(P),
    /// These are answered with the error.
    Fail(Vec<R>),
}

impl<R: OfStream> Piece<R> {
    pub(crate) fn new(requests: Vec<R>) -> Self {
        Self { requests, patience: Patience::Usual, lost: false, races: 0, unexplained: false }
    }

    /// The same for the slow lane.
    pub(crate) fn slow(self) -> Self {
        Self { patience: Patience::Full, races: 0, ..self }
    }

    /// The same after a statement that did not store it, and did not say why.
    pub(crate) fn unexplained(self) -> Self {
        Self { unexplained: true, ..self }
    }

    /// Whether all is likely to go well, so that a statement will do that only says that it did.
    pub(crate) fn is_hopeful(&self) -> bool {
        !self.lost && !self.unexplained && self.races == 0
    }

    pub(crate) fn after(mut self, trouble: Trouble) -> Next<Self, R> {
        let alone = self.requests.len() == 1;
        let one_stream = self.requests.windows(2).all(|pair| pair[0].same_stream(&pair[1]));
        match trouble {
            // The winner can be seen now, so a second time the guard finds the loser, and nobody else loses anything.
            Trouble::Race if alone && self.races + 1 < ATTEMPTS || !alone && self.races == 0 => {
                self.races += 1;
                Next::Send(vec![self])
            }
            Trouble::Held if one_stream && self.patience != Patience::Full => Next::Slow(self.slow()),
            Trouble::Held if !one_stream => Next::Send(self.streams()),
            // The same append again is safe: what was stored is found by its key or its event ids.
            Trouble::Lost if !self.lost => {
                self.lost = true;
                Next::Send(vec![self])
            }
            Trouble::Race | Trouble::Refused | Trouble::Lost if !alone => {
                let second = self.requests.split_off(self.middle());
                let (patience, lost) = (self.patience, self.lost);
                let half = |requests| Self { patience, lost, ..Self::new(requests) };
                Next::Send(vec![half(self.requests), half(second)])
            }
            Trouble::Race | Trouble::Held | Trouble::Refused | Trouble::Lost | Trouble::NotSent => {
                Next::Fail(self.requests)
            }
        }
    }

    /// Each stream by itself.
    fn streams(self) -> Vec<Self> {
        let mut pieces: Vec<Self> = Vec::new();
        for request in self.requests {
            match pieces.last_mut() {
                Some(last) if last.requests[0].same_stream(&request) => last.requests.push(request),
                _ => {
                    pieces.push(Self { patience: Patience::Little, lost: self.lost, ..Self::new(vec![request]) });
                }
            }
        }
        pieces
    }

    /// Where to split: about in the middle, and within a chain only if there is nothing else.
    fn middle(&self) -> usize {
        let middle = self.requests.len() / 2;
        let between = |at: &usize| !self.requests[at - 1].same_stream(&self.requests[*at]);
        (1..self.requests.len()).filter(between).min_by_key(|at| at.abs_diff(middle)).unwrap_or(middle)
    }
}

#[cfg(test)]
#[path = "batch/tests.rs"]
mod tests;
