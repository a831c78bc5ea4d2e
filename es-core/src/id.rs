//! The identity of an aggregate.

use std::{
    fmt::{Debug, Display},
    hash::Hash,
    str::FromStr,
};

/// The identity of one aggregate among those of its kind, such as an account number.
///
/// It becomes the stream's id through [`Display`], so two different ids must display differently, and
/// [`FromStr`] must read back what `Display` wrote. `#[derive(AggregateId)]` on a newtype writes all that is needed:
///
/// ```
/// use es_core::prelude::*;
///
/// #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
/// struct AccountId(String);
///
/// let id: AccountId = "4711".parse().unwrap();
/// assert_eq!(id.to_string(), "4711");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an aggregate's id",
    label = "not an `AggregateId`",
    note = "add `#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]` to a newtype such as `struct AccountId(String);`"
)]
pub trait AggregateId: Clone + Debug + Display + Eq + FromStr + Hash + Send + Sync + 'static {
    #[doc(hidden)]
    const PROVED: usize = 0;
}
