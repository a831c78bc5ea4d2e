//! The statements of `sql/inline/`, with the schema's name filled in.

use sqlx::SqlStr;

use crate::statements::Statements;

macro_rules! statements {
    ($($name:ident),+ $(,)?) => {
        /// Each statement, ready to be sent. Cloning one counts a reference.
        #[derive(Debug)]
        pub(super) struct InlineStatements {
            $(pub(super) $name: SqlStr,)+
        }

        impl InlineStatements {
            pub(super) fn new(statements: &Statements) -> Self {
                Self {
                    $($name: statements.of_file(include_str!(concat!("../sql/inline/", stringify!($name), ".sql"))),)+
                }
            }
        }
    };
}

statements! {
    active,
    blocking,
    bring_in,
    lock_appends,
    lock_keys,
    rest,
    shard,
    stored,
    take_out,
}
