//! What is left of an aggregate with mistakes: enough that nothing else complains about it.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::Aggregate;
use crate::{errors::Errors, generics};

/// What the user did not say is a broken type: the compiler keeps silent about all that has to do with it.
///
/// ```text
/// type __Unknown = [(); { ::core::compile_error! { ".." } }];
/// impl ::es_core::Aggregate for Account {
///     type Id = AccountId;
///     type Event = __Unknown;
///     const NAME: &'static str = "";
///     ..
/// }
/// impl<__S> ::es_core::EventHandlers<__S> for Account { .. }
/// ```
pub(super) fn fallback(aggregate: &Aggregate, errors: &Errors) -> TokenStream {
    let Aggregate { krate, id, event, input, .. } = aggregate;
    let ident = &input.ident;
    let (broken, errors) = errors.to_broken_type();
    let or_unknown = |ty: &Option<syn::Type>| ty.as_ref().map_or_else(|| quote!(__Unknown), |ty| quote!(#ty));
    let (id, event) = (or_unknown(id), or_unknown(event));
    let generics = generics::thread_safe(&input.generics);
    let (parameters, arguments, clauses) = generics.split_for_impl();
    let mut with_set = generics.clone();
    with_set.params.push(syn::parse_quote!(__S));
    let (with_set, _, _) = with_set.split_for_impl();
    quote! {
        #errors
        const _: () = {
            type __Unknown = #broken;
            impl #parameters #krate::Aggregate for #ident #arguments #clauses {
                type Id = #id;
                type Event = #event;
                const NAME: &'static ::core::primitive::str = "";

                fn initial() -> Self {
                    ::core::panic!()
                }
            }
            impl #parameters #krate::Folds for #ident #arguments #clauses {
                type Scope = #event;
                type Given = #krate::Metadata;
                const OPEN: ::core::primitive::bool = false;
            }
            impl #parameters #krate::private::OneRole for #ident #arguments #clauses {
                type Role = #krate::private::Folding;
            }
            impl #with_set #krate::EventHandlers<__S> for #ident #arguments #clauses {
                const READS_METADATA: ::core::primitive::bool = false;
                fn fold(&mut self, _: __S, _: &#krate::Metadata) {}
                fn fold_ref(&mut self, _: &__S, _: &#krate::Metadata) {}
            }
        };
    }
}
