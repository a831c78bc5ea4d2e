//! The audit finds what it is there to find: each fault is planted once.

use es_core::recorded::EventId;
use uuid::Uuid;

use super::{Audit, Row};
use crate::{
    reader::Log,
    witness::{Memory, Place, Witness},
};

/// Events of two accounts, with a hole between them; the third was decided by a command.
fn rows() -> Vec<Row> {
    let row = |(position, account, version): (i64, &str, i64)| Row {
        position,
        event_id: Uuid::from_u128(u128::from(position.unsigned_abs())),
        stream_id: account.to_owned(),
        version,
        token: position + 100,
        amount: 2,
        number: (position == 4).then_some(version),
    };
    [(1, "a1", 1), (2, "a2", 1), (4, "a1", 2), (5, "a1", 3)].map(row).into()
}

fn id(position: u64) -> EventId {
    EventId::from_uuid(Uuid::from_u128(u128::from(position)))
}

fn place(position: u64, version: u64) -> Place {
    Place { token: position + 100, account: 1, version, position, event_id: id(position) }
}

/// What the audit finds when the witness remembers this and that stands there.
fn found(remembers: impl FnOnce(&Witness), stands: impl FnOnce(&mut Vec<Row>)) -> String {
    let witness = Witness::default();
    witness.acknowledged(&[place(1, 1), place(4, 2)]);
    witness.yielded(2, id(2));
    remembers(&witness);
    let mut rows = rows();
    stands(&mut rows);
    let found = Audit::default().take(&rows, &mut witness.memory());
    witness.accusation().map_or_else(|| found.err().unwrap_or_default(), str::to_owned)
}

#[test]
fn what_is_as_it_should_be_is_found_to_be() {
    assert_eq!(found(|_| {}, |_| {}), "");
    assert_eq!(found(|witness| witness.refused([103]), |_| {}), "", "3 is a hole");
    assert_eq!(found(|witness| witness.committed(vec![101, 105]), |_| {}), "");
    for together in [vec![101, 102, 105], vec![103, 106]] {
        assert_eq!(found(|witness| witness.together(together), |_| {}), "");
    }
}

#[test]
fn each_fault_is_found() {
    let nothing = |_: &Witness| {};
    let faults = [
        ("acknowledged was", found(nothing, |rows| drop(rows.pop().and_then(|_| rows.pop())))),
        ("acknowledged was", found(|witness| witness.acknowledged(&[place(3, 4)]), |_| {})),
        ("acknowledged was", found(|witness| witness.acknowledged(&[place(5, 4)]), |_| {})),
        ("told two places", found(|witness| witness.acknowledged(&[Place { version: 2, ..place(1, 1) }]), |_| {})),
        ("stands twice", found(nothing, |rows| rows[3].token = 101)),
        ("by position the 2th", found(nothing, |rows| rows[2].version = 3)),
        ("by position the 1th", found(nothing, |rows| rows.swap(0, 3))),
        ("not the last", found(nothing, |rows| rows[2].number = Some(1))),
        ("position was that of", found(nothing, |rows| rows[1].event_id = Uuid::from_u128(9))),
        ("position 2 had", found(|witness| witness.yielded(2, id(9)), |_| {})),
        ("refused or rolled back", found(|witness| witness.refused([105]), |_| {})),
        ("committed and is not there", found(|witness| witness.committed(vec![103]), |_| {})),
        ("1 of 2 events", found(|witness| witness.together(vec![102, 103]), |_| {})),
        ("nobody wrote", found(nothing, |rows| rows[0].stream_id = "b1".to_owned())),
    ];
    for (expected, found) in faults {
        assert!(found.contains(expected), "{expected}: {found:?}");
    }
}

#[test]
fn a_reader_that_was_given_something_else_is_found() {
    let mut audit = Audit::default();
    audit.take(&rows(), &mut Memory::default()).expect("nothing is wrong");
    let all = [(1, id(1)), (2, id(2)), (4, id(4)), (5, id(5))];
    let fold = [(1, (3, 6)), (2, (1, 2))];
    let given = |seen: &[(u64, EventId)], fold: &[(u32, (u64, u64))]| {
        audit.compare(&Log { seen: seen.to_vec(), fold: fold.iter().copied().collect() })
    };
    assert_eq!(given(&all, &fold), Ok(()));
    given(&all[..3], &fold).expect_err("one is missing at the end");
    given(&all[1..], &fold).expect_err("one is missing at the start");
    given(&[all[0], all[2], all[3]], &fold).expect_err("one is missing in between");
    given(&[all[0], all[1], all[1], all[2], all[3]], &fold).expect_err("one came twice");
    given(&[all[0], all[1], (3, id(3)), all[2], all[3]], &fold).expect_err("one is not there");
    given(&[all[0], (2, id(9)), all[2], all[3]], &fold).expect_err("another stands there");
    given(&all, &fold[..1]).expect_err("the read model is not as it should be");
}
