//! What readers of a read model ask for, in SQL.

/// What stands behind the name of the table for a condition of [`Table::fetch`](super::Table::fetch), with a space before
/// it: ` where ..`, or only what may follow a condition. For stores whose language is SQL.
///
/// There is no condition where the text is empty, or begins with the words `order by`, `limit` or `offset`, in small or
/// capital letters. A column of such a name is put in quotes or brackets.
///
/// ```
/// use es_core::projection::where_clause;
///
/// assert_eq!(where_clause("balance < $1 limit 10"), " where balance < $1 limit 10");
/// assert_eq!(where_clause("order by balance desc"), " order by balance desc");
/// assert_eq!(where_clause(""), "");
/// ```
pub fn where_clause(condition: &str) -> String {
    let condition = condition.trim();
    let separator = match () {
        () if condition.is_empty() => "",
        () if has_no_condition(condition) => " ",
        () => " where ",
    };
    format!("{separator}{condition}")
}

/// The number of the first of so many arguments that a condition does not name. What stands in quotes counts as a name,
/// because only the store knows its language: so none is refused that is used.
pub(super) fn unused_argument(condition: &str, arguments: usize) -> Option<usize> {
    let is_named = |number: usize| {
        let name = format!("${number}");
        condition.match_indices(&name).any(|(at, _)| {
            let behind = condition.get(at + name.len()..).unwrap_or_default();
            !behind.starts_with(|next: char| next.is_ascii_digit())
        })
    };
    (1..=arguments).find(|&number| !is_named(number))
}

/// Whether it begins with what may only follow a condition.
fn has_no_condition(text: &str) -> bool {
    let behind_order = || behind(text, "order").and_then(|rest| behind(rest.trim_start(), "by"));
    behind(text, "limit").or_else(|| behind(text, "offset")).or_else(behind_order).is_some()
}

/// What stands behind a word; `None` where the text does not begin with it.
fn behind<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let (first, rest) = text.split_at_checked(word.len())?;
    let is_longer = rest.starts_with(|next: char| next.is_alphanumeric() || next == '_' || next == '$');
    (first.eq_ignore_ascii_case(word) && !is_longer).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::{unused_argument, where_clause};

    #[test]
    fn arguments_that_are_not_named_are_found() {
        assert_eq!(unused_argument("a = $1 and b < $2", 2), None);
        assert_eq!(unused_argument("a = $1", 2), Some(2));
        assert_eq!(unused_argument("a = $10", 1), Some(1));
        assert_eq!(unused_argument("a = $12 or a = $1::text", 1), None);
        assert_eq!(unused_argument("", 1), Some(1));
        assert_eq!(unused_argument("", 0), None);
    }

    #[test]
    fn what_may_follow_a_condition_follows_none() {
        for alone in ["order by a", "ORDER  BY a", "Order\n\tBy \"a\"", "limit $1", "LIMIT(3)", "offset 3", "limit"] {
            assert_eq!(where_clause(alone), format!(" {alone}"));
        }
        assert_eq!(where_clause("  order by a "), " order by a");
    }

    #[test]
    fn all_else_is_a_condition() {
        let conditions = [
            "a = $1",
            "limits < 3",
            "limit_of = 3",
            "\"limit\" < 3",
            "(offset < 3)",
            "orders",
            "order = 1",
            "offset$",
            "é",
        ];
        for condition in conditions {
            assert_eq!(where_clause(condition), format!(" where {condition}"));
        }
        assert_eq!(where_clause(" \n"), "");
    }
}
