//! Tokens as a person would write them, for messages.

use quote::ToTokens;

/// What is put between tokens where nobody would put it, and what is put there instead.
const SPACES: [(&str, &str); 8] =
    [(" :: ", "::"), (":: ", "::"), (" < ", "<"), (" >", ">"), (" ,", ","), ("& ", "&"), (" : ", ": "), (", }", " }")];

/// The source of the tokens, on one line.
pub(crate) fn source(tokens: impl ToTokens) -> String {
    let text = tokens.to_token_stream().to_string();
    SPACES.iter().fold(text, |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_it_was_written() {
        for text in ["Opened", "events::Opened", "&Opened", "Vec<(u8, events::Id<T>)>", "{ by: String, at: Vec<u8> }"] {
            let tokens: proc_macro2::TokenStream = text.parse().expect("tokens");
            assert_eq!(source(tokens), text);
        }
    }
}
