//! Every batch of a few appends, good and bad in every combination, against a database of a few lines.

use super::{ATTEMPTS, Next, OfStream, Patience, Piece, Trouble};

/// An append: its stream, and which one it is.
type Request = (usize, usize);

impl OfStream for Request {
    fn same_stream(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

/// How an append behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Good,
    /// The database refuses it always.
    Bad,
    /// Another transaction holds its stream, for ever.
    Held,
    /// It loses the first so many races, and with it whatever it travels with.
    Races(u32),
    /// The connection is lost whenever it is sent.
    Poison,
    /// It does not fit, which a hopeful statement does not say.
    Stale,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Stored,
    /// It was said why it does not fit.
    Told,
    Failed(Trouble),
    Slow,
}

#[derive(Debug, Default)]
struct Run {
    ends: Vec<(usize, End)>,
    sends: usize,
}

fn send(kinds: &mut [Kind], piece: &Piece<Request>) -> Option<Trouble> {
    for &(_, number) in &piece.requests {
        match &mut kinds[number] {
            Kind::Races(races) if *races > 0 => {
                *races -= 1;
                return Some(Trouble::Race);
            }
            Kind::Good | Kind::Races(_) | Kind::Stale => {}
            Kind::Bad => return Some(Trouble::Refused),
            Kind::Held => return Some(Trouble::Held),
            Kind::Poison => return Some(Trouble::Lost),
        }
    }
    None
}

/// Runs a batch of chains of so many.
fn run(mut kinds: Vec<Kind>, chain: usize) -> Run {
    let mut run = Run::default();
    let mut pieces = vec![Piece::new((0..kinds.len()).map(|number| (number / chain, number)).collect())];
    while let Some(piece) = pieces.pop() {
        run.sends += 1;
        assert!(run.sends < 1_000, "it never ends");
        assert!(piece.requests.is_sorted(), "the order of the streams is kept");
        let whole = |stream| piece.requests.iter().filter(|of| of.0 == stream).count() == chain.min(kinds.len());
        let streams = piece.requests.chunk_by(|one, next| one.0 == next.0).count();
        assert!(
            streams == 1 || !kinds.len().is_multiple_of(chain) || piece.requests.iter().all(|of| whole(of.0)),
            "a torn chain"
        );
        let first = piece.requests[0];
        let done = |number: &usize| run.ends.iter().any(|(ended, _)| ended == number);
        assert!((first.0 * chain..first.1).all(|before| done(&before)), "one of a chain before those in front of it");
        let Some(trouble) = send(&mut kinds, &piece) else {
            let hopeful = piece.is_hopeful() && streams == piece.requests.len();
            let mut piece = piece;
            let untold: Vec<_> = piece.requests.extract_if(.., |of| hopeful && kinds[of.1] == Kind::Stale).collect();
            run.ends.extend(
                std::mem::replace(&mut piece.requests, untold)
                    .into_iter()
                    .map(|(_, number)| (number, if kinds[number] == Kind::Stale { End::Told } else { End::Stored })),
            );
            if !piece.requests.is_empty() {
                pieces.push(piece.unexplained());
            }
            continue;
        };
        match piece.after(trouble) {
            Next::Send(next) => pieces.extend(next.into_iter().rev()),
            Next::Slow(piece) => {
                assert_eq!(piece.patience, Patience::Full);
                let stream = piece.requests[0].0;
                let with =
                    pieces.extract_if(.., |other| other.requests[0].0 == stream).flat_map(|other| other.requests);
                let slow = piece.requests.iter().copied().chain(with).map(|(_, number)| (number, End::Slow));
                run.ends.extend(slow);
            }
            Next::Fail(failed) => {
                assert_eq!(failed.len(), 1, "an append fails by itself");
                run.ends.push((failed[0].1, End::Failed(trouble)));
            }
        }
    }
    run.ends.sort_by_key(|&(number, _)| number);
    run
}

/// Each end belongs to its append, whatever it travelled with.
fn check(kinds: &[Kind]) -> usize {
    let run = run(kinds.to_vec(), 1);
    assert_eq!(run.ends.len(), kinds.len(), "{kinds:?}: {run:?}");
    for (index, (&kind, (number, end))) in kinds.iter().zip(&run.ends).enumerate() {
        let expected = match kind {
            Kind::Good | Kind::Races(_) => End::Stored,
            Kind::Stale => End::Told,
            Kind::Bad => End::Failed(Trouble::Refused),
            Kind::Held => End::Slow,
            Kind::Poison => End::Failed(Trouble::Lost),
        };
        assert_eq!((index, &expected), (*number, end), "{kinds:?}: {run:?}");
    }
    run.sends
}

#[test]
fn no_append_pays_for_what_it_travels_with() {
    const KINDS: [Kind; 7] =
        [Kind::Good, Kind::Bad, Kind::Held, Kind::Races(1), Kind::Races(5), Kind::Poison, Kind::Stale];
    for length in 1..=5_u32 {
        for mut code in 0..KINDS.len().pow(length) {
            let mut kinds = Vec::new();
            for _ in 0..length {
                kinds.push(KINDS[code % KINDS.len()]);
                code /= KINDS.len();
            }
            check(&kinds);
        }
    }
}

/// Those of a chain that a held one keeps from being stored wait with it: theirs is the same stream.
#[test]
fn a_chain_is_stored_in_its_order_and_waits_together() {
    const KINDS: [Kind; 6] = [Kind::Good, Kind::Bad, Kind::Held, Kind::Races(1), Kind::Races(5), Kind::Poison];
    for chain in 2..=3 {
        for length in 2..=6_u32 {
            for mut code in 0..KINDS.len().pow(length) {
                let mut kinds = Vec::new();
                for number in 0..length as usize {
                    // Held is a stream, and so the first of it shows it.
                    let kind = KINDS[code % KINDS.len()];
                    kinds.push(if kind == Kind::Held && number % chain != 0 { Kind::Good } else { kind });
                    code /= KINDS.len();
                }
                for (index, (number, end)) in run(kinds.clone(), chain).ends.iter().enumerate() {
                    assert_eq!(index, *number, "each has its end, {kinds:?}");
                    let held = kinds[number / chain * chain] == Kind::Held;
                    match kinds[*number] {
                        _ if held => assert!(*end == End::Slow, "{kinds:?}: {end:?}"),
                        Kind::Bad => assert_eq!(*end, End::Failed(Trouble::Refused), "{kinds:?}"),
                        Kind::Poison => assert_eq!(*end, End::Failed(Trouble::Lost), "{kinds:?}"),
                        Kind::Stale => assert_eq!(*end, End::Told, "{kinds:?}"),
                        Kind::Good | Kind::Races(_) | Kind::Held => assert_eq!(*end, End::Stored, "{kinds:?}"),
                    }
                }
            }
        }
    }
}

#[test]
fn few_statements_find_the_one_that_is_to_blame() {
    for at in 0..64 {
        let with = |kind| {
            let mut kinds = vec![Kind::Good; 64];
            kinds[at] = kind;
            check(&kinds)
        };
        assert_eq!(with(Kind::Good), 1);
        assert_eq!(with(Kind::Races(1)), 2, "a race is over when the batch is sent again, whole");
        assert_eq!(with(Kind::Stale), 2, "once more, by itself");
        assert!(with(Kind::Bad) <= 13, "halves of halves");
        assert!(with(Kind::Poison) <= 14, "once more whole, and halves of halves");
        assert_eq!(with(Kind::Held), 65, "each alone, so that none but the held one waits");
    }
}

#[test]
fn the_neighbours_of_a_held_stream_hardly_wait_a_second_time() {
    let Next::Send(pieces) = Piece::new(vec![(1, 1), (2, 2), (2, 3), (3, 4)]).after(Trouble::Held) else {
        panic!("they are sent again")
    };
    assert!(pieces.iter().all(|piece| piece.patience == Patience::Little));
    let requests: Vec<_> = pieces.into_iter().map(|piece| piece.requests).collect();
    assert_eq!(requests, [vec![(1, 1)], vec![(2, 2), (2, 3)], vec![(3, 4)]], "each stream by itself");
}

#[test]
fn a_single_append_is_given_up_at_last() {
    assert_eq!(check(&[Kind::Races(ATTEMPTS - 1)]), ATTEMPTS as usize);
    let endless = run(vec![Kind::Races(1_000)], 1);
    assert_eq!((endless.sends, &endless.ends[0].1), (ATTEMPTS as usize, &End::Failed(Trouble::Race)));
    let slow = Piece::new(vec![(1, 1)]).slow().after(Trouble::Held);
    assert!(matches!(slow, Next::Fail(_)), "the slow lane is the last: {slow:?}");
}

#[test]
fn what_may_have_been_stored_is_remembered_through_every_split() {
    let Next::Send(mut whole) = Piece::new(vec![(1, 1), (2, 2), (3, 3)]).after(Trouble::Lost) else {
        panic!("it is sent again")
    };
    let whole = whole.remove(0);
    assert!(whole.lost && whole.requests.len() == 3);
    for trouble in [Trouble::Lost, Trouble::Refused, Trouble::Held] {
        let Next::Send(parts) = whole.clone().after(trouble) else { panic!("it is split") };
        assert!(parts.iter().all(|part| part.lost), "{trouble:?}");
    }
    let Next::Send(again) = whole.clone().after(Trouble::Race) else { panic!("it is sent again") };
    assert!(again[0].lost);
}

#[test]
fn without_a_connection_all_are_answered_at_once() {
    let next = Piece::new(vec![(1, 1), (2, 2), (3, 3)]).after(Trouble::NotSent);
    assert!(matches!(next, Next::Fail(failed) if failed.len() == 3));
}
