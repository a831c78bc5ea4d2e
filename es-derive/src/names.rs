//! Stored names: what they default to, and which are refused.

use proc_macro2::Span;
use syn::{Ident, LitStr, ext::IdentExt as _};

use crate::{errors::Errors, messages};

/// The longest name that a store accepts, in bytes.
const MAX_BYTES: usize = 255;

/// What the event of a variant may be called: `AccountOpened` for `Opened` in `AccountEvent`.
pub(crate) fn event_of_variant(set: &Ident, variant: &Ident) -> String {
    let set = set.unraw().to_string();
    let owner = ["Events", "Event"].iter().find_map(|suffix| set.strip_suffix(suffix)).unwrap_or(&set);
    format!("{owner}{}", variant.unraw())
}

/// An example about an account as one about the user's own type: `event = OrderEvent`, `name = "order"`.
pub(crate) fn in_example(example: &str, ident: &Ident) -> String {
    let ident = ident.unraw().to_string();
    let mut stored = String::new();
    for letter in ident.chars() {
        if letter.is_uppercase() && !stored.is_empty() {
            stored.push('_');
        }
        stored.extend(letter.to_lowercase());
    }
    example.replace("Account", &ident).replace("account", &stored)
}

/// A name under which something is stored, and where it is written.
#[derive(Debug)]
pub(crate) struct StoredName {
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl StoredName {
    /// The name that an attribute gives.
    pub(crate) fn given(literal: &LitStr) -> Self {
        Self { text: literal.value(), span: literal.span() }
    }

    /// The name that a type has in Rust, without the `r#` of a raw identifier.
    pub(crate) fn of_type(ident: &Ident) -> Self {
        Self { text: ident.unraw().to_string(), span: ident.span() }
    }

    /// A stored name has 1 to 255 bytes, no control characters, and no white space at its ends.
    pub(crate) fn validate(&self, errors: &mut Errors) {
        if self.text.trim().is_empty() {
            errors.at(self.span, messages::name_empty());
        } else if self.text.len() > MAX_BYTES {
            errors.at(self.span, messages::name_too_long(self.text.len()));
        } else if self.text.contains(char::is_control) {
            errors.at(self.span, messages::name_with_control_character());
        } else if self.text.trim() != self.text {
            errors.at(self.span, messages::name_with_space_at_an_end(self.text.trim()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_speaks_of_the_users_type() {
        let ident = syn::parse_quote!(OrderLine);
        assert_eq!(in_example("name = \"account\"", &ident), "name = \"order_line\"");
        assert_eq!(in_example("event = AccountEvent", &ident), "event = OrderLineEvent");
    }
}
