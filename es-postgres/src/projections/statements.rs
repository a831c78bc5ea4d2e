//! The statements of `sql/projections/`, with the schema's name filled in.

use sqlx::SqlStr;

use crate::statements::Statements;

macro_rules! statements {
    ($($name:ident),+ $(,)?) => {
        /// Each statement, ready to be sent. Cloning one counts a reference.
        #[derive(Debug)]
        pub(super) struct ProjectionStatements {
            $(pub(super) $name: SqlStr,)+
        }

        impl ProjectionStatements {
            pub(super) fn new(statements: &Statements) -> Self {
                Self {
                    $($name: statements.of_file(include_str!(concat!("../sql/projections/", stringify!($name), ".sql"))),)+
                }
            }
        }
    };
}

statements! {
    claim,
    dead_letters,
    divide,
    division,
    engines,
    fence,
    keep_alive,
    known,
    lag,
    leave,
    leave_open,
    letters_count,
    letters_keys,
    letters_move,
    parked_events,
    parked_keys,
    passed,
    redrive,
    redriven,
    relations,
    release,
    roster,
    set_activity,
    set_aside,
    stop,
    switch,
    unpark,
}
