//! How serde's `rename_all` changes the name of a field.

/// The name of a field under a rule; `None` where there is no such rule, which serde reports.
pub(super) fn apply(rule: &str, field: &str) -> Option<String> {
    let pascal = || {
        let words = field.split('_').filter(|word| !word.is_empty());
        words.map(|word| with_first(word, char::to_ascii_uppercase)).collect::<String>()
    };
    Some(match rule {
        "lowercase" | "snake_case" => field.to_owned(),
        "UPPERCASE" | "SCREAMING_SNAKE_CASE" => field.to_ascii_uppercase(),
        "PascalCase" => pascal(),
        "camelCase" => with_first(&pascal(), char::to_ascii_lowercase),
        "kebab-case" => field.replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => field.to_ascii_uppercase().replace('_', "-"),
        _ => return None,
    })
}

fn with_first(word: &str, change: fn(&char) -> char) -> String {
    let mut characters = word.chars();
    characters.next().map(|first| change(&first)).into_iter().chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What serde makes of these names; `tests/tests/lock_names.rs` asks serde itself.
    #[test]
    fn the_eight_rules() {
        for (rule, expected) in [
            ("lowercase", "first_of_two"),
            ("UPPERCASE", "FIRST_OF_TWO"),
            ("PascalCase", "FirstOfTwo"),
            ("camelCase", "firstOfTwo"),
            ("snake_case", "first_of_two"),
            ("SCREAMING_SNAKE_CASE", "FIRST_OF_TWO"),
            ("kebab-case", "first-of-two"),
            ("SCREAMING-KEBAB-CASE", "FIRST-OF-TWO"),
        ] {
            assert_eq!(apply(rule, "first_of_two").as_deref(), Some(expected), "{rule}");
        }
        assert_eq!(apply("camelCase", "_first__two_").as_deref(), Some("firstTwo"));
        assert_eq!(apply("camelcase", "a"), None);
    }
}
