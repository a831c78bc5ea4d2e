//! "Did you mean": the known word nearest to a misspelt one.

/// The nearest of `known`, where it is near enough to be meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance * 2 <= candidate.chars().count())
        .map(|(_, candidate)| candidate)
}

/// How many characters must be inserted, removed, replaced, or swapped with their neighbour.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, letter) in left.iter().enumerate() {
        let mut this = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let replaced = last[column] + usize::from(letter != other);
            let mut cost = replaced.min(last[column + 1] + 1).min(this[column] + 1);
            if row > 0 && column > 0 && *letter == right[column - 1] && left[row - 1] == *other {
                cost = cost.min(before_last[column - 1] + 1);
            }
            this.push(cost);
        }
        before_last = std::mem::replace(&mut last, this);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (left, right, expected) in
            [("name", "name", 0), ("nmae", "name", 1), ("nam", "name", 1), ("", "name", 4), ("id", "event", 5)]
        {
            assert_eq!(distance(left, right), expected, "{left} and {right}");
        }
    }

    #[test]
    fn only_what_is_near_is_suggested() {
        let known = ["name", "id", "event", "snapshot", "crate"];
        assert_eq!(nearest("snapshots", known), Some("snapshot"));
        assert_eq!(nearest("events", known), Some("event"));
        assert_eq!(nearest("colour", known), None);
    }
}
