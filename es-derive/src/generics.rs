//! The parameters of the user's types, with what an implementation has to assume of them.

use syn::{Generics, Ident, WherePredicate, parse_quote};

/// Parameters of which each type can be part of what goes from thread to thread.
///
/// ```text
/// where C: Send + Sync + 'static
/// ```
pub(crate) fn thread_safe(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    let types: Vec<_> = generics.type_params().map(|parameter| parameter.ident.clone()).collect();
    let bound =
        |ty: &Ident| -> WherePredicate { parse_quote!(#ty: ::core::marker::Send + ::core::marker::Sync + 'static) };
    if !types.is_empty() {
        generics.make_where_clause().predicates.extend(types.iter().map(bound));
    }
    generics
}

/// Parameters, where there are some, with a bound on the whole type: whether an instance keeps it is asked where the
/// instance is used. Without parameters a bound would be checked at once.
///
/// ```text
/// where Self: Send + Sync + 'static
/// ```
pub(crate) fn assuming(mut generics: Generics, of_self: WherePredicate) -> Generics {
    if !generics.params.is_empty() {
        generics.make_where_clause().predicates.push(of_self);
    }
    generics
}
