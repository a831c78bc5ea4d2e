//! No warning about the user's own items for what the macros write about them.

use proc_macro2::{TokenStream, TokenTree};
use quote::{TokenStreamExt as _, quote};

/// Lets what is generated mention what is deprecated. Where the user mentions it, the compiler says so there; generated
/// code stands at the user's tokens, and would repeat it, out of reach of the user's `#[expect(deprecated)]`. Likewise
/// for what is too private: that is an error already.
///
/// ```text
/// impl Account { .. }                 // the user's own stays as it is
/// #[allow(deprecated, private_interfaces, reason = "..")]
/// const _: () = { .. };
/// ```
pub(crate) fn quiet(generated: TokenStream) -> TokenStream {
    let mut tokens = generated.into_iter().peekable();
    let mut quiet = TokenStream::new();
    while let Some(token) = tokens.next() {
        if is_word(&token, "const") && tokens.peek().is_some_and(|next| is_word(next, "_")) {
            quiet.extend(quote!(#[allow(deprecated, private_interfaces, reason = "it is said elsewhere")]));
        }
        quiet.append(token);
    }
    quiet
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}
