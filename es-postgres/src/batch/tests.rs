//! Every batch of a few appends, good and bad in every combination, against a database of a few lines.

use super::{ATTEMPTS, Next, Patience, Piece, Trouble};

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
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Stored,
    Failed(Trouble),
    Slow,
}

#[derive(Debug, Default)]
struct Run {
    ends: Vec<(usize, End)>,
    sends: usize,
}

fn send(kinds: &mut [Kind], piece: &Piece<usize>) -> Option<Trouble> {
    for &number in &piece.requests {
        match &mut kinds[number] {
            Kind::Races(races) if *races > 0 => {
                *races -= 1;
                return Some(Trouble::Race);
            }
            Kind::Good | Kind::Races(_) => {}
            Kind::Bad => return Some(Trouble::Refused),
            Kind::Held => return Some(Trouble::Held),
            Kind::Poison => return Some(Trouble::Lost),
        }
    }
    None
}

fn run(mut kinds: Vec<Kind>) -> Run {
    let mut run = Run::default();
    let mut pieces = vec![Piece::new((0..kinds.len()).collect())];
    while let Some(piece) = pieces.pop() {
        run.sends += 1;
        assert!(run.sends < 1_000, "it never ends");
        assert!(piece.requests.is_sorted(), "the order of the streams is kept");
        let Some(trouble) = send(&mut kinds, &piece) else {
            run.ends.extend(piece.requests.into_iter().map(|number| (number, End::Stored)));
            continue;
        };
        match piece.after(trouble) {
            Next::Send(next) => pieces.extend(next.into_iter().rev()),
            Next::Slow(number) => run.ends.push((number, End::Slow)),
            Next::Fail(failed) => {
                assert_eq!(failed.len(), 1, "an append fails by itself");
                run.ends.push((failed[0], End::Failed(trouble)));
            }
        }
    }
    run.ends.sort_by_key(|&(number, _)| number);
    run
}

/// Each end belongs to its append, whatever it travelled with.
fn check(kinds: &[Kind]) -> usize {
    let run = run(kinds.to_vec());
    assert_eq!(run.ends.len(), kinds.len(), "{kinds:?}: {run:?}");
    for (index, (&kind, (number, end))) in kinds.iter().zip(&run.ends).enumerate() {
        let expected = match kind {
            Kind::Good | Kind::Races(_) => End::Stored,
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
    const KINDS: [Kind; 6] = [Kind::Good, Kind::Bad, Kind::Held, Kind::Races(1), Kind::Races(5), Kind::Poison];
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
        assert!(with(Kind::Bad) <= 13, "halves of halves");
        assert!(with(Kind::Poison) <= 14, "once more whole, and halves of halves");
        assert_eq!(with(Kind::Held), 65, "each alone, so that none but the held one waits");
    }
}

#[test]
fn the_neighbours_of_a_held_stream_hardly_wait_a_second_time() {
    let Next::Send(pieces) = Piece::new(vec![1, 2]).after(Trouble::Held) else { panic!("they are sent again") };
    assert!(pieces.iter().all(|piece| piece.patience == Patience::Little && piece.requests.len() == 1));
}

#[test]
fn a_single_append_is_given_up_at_last() {
    assert_eq!(check(&[Kind::Races(ATTEMPTS - 1)]), ATTEMPTS as usize);
    let endless = run(vec![Kind::Races(1_000)]);
    assert_eq!((endless.sends, &endless.ends[0].1), (ATTEMPTS as usize, &End::Failed(Trouble::Race)));
    let slow = Piece::slow(1, true).after(Trouble::Held);
    assert!(matches!(slow, Next::Fail(_)), "the slow lane is the last: {slow:?}");
}

#[test]
fn what_may_have_been_stored_is_remembered_through_every_split() {
    let Next::Send(mut whole) = Piece::new(vec![1, 2, 3]).after(Trouble::Lost) else { panic!("it is sent again") };
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
    let next = Piece::new(vec![1, 2, 3]).after(Trouble::NotSent);
    assert!(matches!(next, Next::Fail(failed) if failed == [1, 2, 3]));
}
