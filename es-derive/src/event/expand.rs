//! The implementation of an event.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::Event;

/// ```text
/// impl ::es_core::Event for MoneyDeposited {
///     const NAME: &'static str = "MoneyDeposited";
///     const VERSION: u32 = 1;
/// }
/// ```
pub(super) fn expand(event: &Event) -> TokenStream {
    let Event { krate, name, input, .. } = event;
    let (ident, name) = (&input.ident, &name.text);
    quote! {
        const _: () = {
            #[automatically_derived]
            impl #krate::Event for #ident {
                const NAME: &'static ::core::primitive::str = #name;
                const VERSION: ::core::primitive::u32 = 1;
            }
        };
    }
}
