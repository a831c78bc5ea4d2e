//! `#[derive(Aggregate)]`: a state that decides about commands, with its id and its events.

mod expand;
mod fallback;
mod model;
mod validate;

use proc_macro2::TokenStream;

use crate::errors::Errors;

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let aggregate = match model::Aggregate::parse(input, &mut errors) {
        Ok(aggregate) => aggregate,
        Err(error) => return error.to_compile_error(),
    };
    validate::validate(&aggregate, &mut errors);
    if errors.is_empty() { expand::expand(&aggregate) } else { fallback::fallback(&aggregate, &errors) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is typed in an editor is expanded at every keystroke: the type stays an aggregate all the while.
    #[test]
    fn an_unfinished_attribute_leaves_an_aggregate() {
        for attribute in [
            "",
            "#[aggregate]",
            "#[aggregate()]",
            "#[aggregate(name = )]",
            "#[aggregate(na)]",
            "#[aggregate(id = A, ev)]",
        ] {
            let tokens = format!("{attribute} struct Account {{ balance: i64 }}").parse().expect("tokens");
            let written = derive(tokens).to_string();
            assert!(written.contains("impl :: es_core :: Aggregate for Account"), "{attribute}: {written}");
            assert!(written.contains("compile_error"), "{attribute}: {written}");
        }
    }
}
