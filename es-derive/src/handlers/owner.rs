//! The names that stand for a block's type, and for what belongs to it, in generated code.
//!
//! All of them stand at the type as the user wrote it above the block. Where the type lacks something, the compiler
//! says so wherever it is needed; but because those messages stand at the same token and read the same, it shows one.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{GenericParam, ItemImpl};

use super::Block;
use crate::{proofs, spans};

/// The block's type: `__Owner`, or `__Owner<C, N>`.
pub(crate) fn owner(block: &Block) -> TokenStream {
    named(block, "__Owner")
}

/// The block's type, at another place.
pub(crate) fn owner_at(block: &Block, place: Span) -> TokenStream {
    with_arguments(block, "__Owner", place)
}

/// One of the names below, with the block's parameters, at another place.
pub(crate) fn with_arguments(block: &Block, name: &str, place: Span) -> TokenStream {
    let (name, arguments) = (Ident::new(name, place), arguments(&block.item));
    quote_spanned!(place=> #name #arguments)
}

/// One of the names below, with the block's parameters: `__Scope<C, N>`.
pub(crate) fn named(block: &Block, name: &str) -> TokenStream {
    with_arguments(block, name, spans::name_of(block.owner()))
}

/// The name for the block's type.
///
/// ```text
/// type __Owner<C, const N: usize> = Account<C, N>;
/// ```
pub(crate) fn alias(block: &Block) -> TokenStream {
    let (parameters, written) = (parameters(&block.item), block.owner());
    let name = Ident::new("__Owner", spans::name_of(written));
    quote!(type #name #parameters = #written;)
}

/// The names for what aggregates and read models have. Of a type that is neither they are broken, so that the compiler
/// says only once what is wrong; with parameters it says so more often.
///
/// ```text
/// type __Folds = <[(); ::es_core::private::folds::<__Owner>()] as ::es_core::private::Proved<__Owner>>::Type;
/// type __Scope = <__Folds as ::es_core::Folds>::Scope;
/// type __Given = <__Folds as ::es_core::Folds>::Given;
/// ```
pub(crate) fn scope_and_given(block: &Block) -> TokenStream {
    let place = spans::name_of(block.owner());
    let (krate, owner, parameters) = (block.krate.at(place), owner(block), parameters(&block.item));
    let folds = match parameters {
        None => proofs::proved(&block.krate, "folds", &owner, place),
        Some(_) => owner,
    };
    let name = named(block, "__Folds");
    quote_spanned! {place=>
        type __Folds #parameters = #folds;
        type __Scope #parameters = <#name as #krate::Folds>::Scope;
        type __Given #parameters = <#name as #krate::Folds>::Given;
    }
}

/// The name for what a projection's or a reactor's handlers are given. Of a type that is neither it is broken, so that the
/// compiler says only once what is wrong; with parameters it says so more often.
///
/// ```text
/// type __Acts = <[(); ::es_core::private::acts::<__Owner>()] as ::es_core::private::Proved<__Owner>>::Type;
/// type __Given = <__Acts as ::es_core::Acts>::Given;
/// ```
pub(crate) fn acts_and_given(block: &Block) -> TokenStream {
    let place = spans::name_of(block.owner());
    let (krate, owner, parameters) = (block.krate.at(place), owner(block), parameters(&block.item));
    let acts = match parameters {
        None => proofs::proved(&block.krate, "acts", &owner, place),
        Some(_) => owner,
    };
    let name = named(block, "__Acts");
    quote_spanned! {place=>
        type __Acts #parameters = #acts;
        type __Given #parameters = <#name as #krate::Acts>::Given;
    }
}

/// The names for what a block of command handlers asks of its aggregate. Of a type that is none they are broken, so
/// that the compiler says only once what is wrong; with parameters it says so more often.
///
/// ```text
/// type __Aggregate = <[(); ::es_core::private::aggregate::<__Owner>()] as ::es_core::private::Proved<__Owner>>::Type;
/// type __Set = <__Aggregate as ::es_core::Aggregate>::Event;
/// ```
pub(crate) fn aggregate_and_set(block: &Block) -> TokenStream {
    let place = spans::name_of(block.owner());
    let (krate, owner, parameters) = (block.krate.at(place), owner(block), parameters(&block.item));
    let (aggregate, set) = match parameters {
        None => {
            let proved = proofs::proved(&block.krate, "aggregate", &owner, place);
            (proved.clone(), quote_spanned!(place=> <#proved as #krate::Aggregate>::Event))
        }
        Some(_) => (owner.clone(), quote_spanned!(place=> <#owner as #krate::Folds>::Scope)),
    };
    quote! {
        type __Aggregate #parameters = #aggregate;
        type __Set #parameters = #set;
    }
}

/// A function that is never called: what it demands is checked, also where the block has parameters.
///
/// ```text
/// #[allow(dead_code)]
/// fn __proof<C: Currency>() { .. }
/// ```
pub(crate) fn proof(block: &Block, demands: &TokenStream) -> TokenStream {
    let (parameters, _, clauses) = block.item.generics.split_for_impl();
    quote! {
        const _: () = {
            #[allow(dead_code, reason = "what it demands is checked when the code compiles")]
            fn __proof #parameters () #clauses { #demands }
        };
    }
}

/// The tokens of a type in the block for use outside of it, with its alias for `Self`.
pub(crate) fn outside(block: &Block, ty: impl ToTokens) -> TokenStream {
    spans::without_self(ty.to_token_stream(), &owner(block))
}

/// As [`outside`], for the commands of an aggregate.
pub(crate) fn outside_as_aggregate(block: &Block, ty: impl ToTokens) -> TokenStream {
    spans::without_self(ty.to_token_stream(), &aggregate(block))
}

/// The aggregate, anywhere.
pub(crate) fn aggregate(block: &Block) -> TokenStream {
    let arguments = arguments(&block.item);
    quote!(__Aggregate #arguments)
}

/// `<C, const N: usize>`: parameters as an alias has them, without bounds.
fn parameters(item: &ItemImpl) -> Option<TokenStream> {
    let parameters = item.generics.params.iter().map(plain_parameter);
    (!item.generics.params.is_empty()).then(|| quote!(<#(#parameters),*>))
}

/// A parameter as an alias has it: `C`, or `const N: usize`.
pub(crate) fn plain_parameter(parameter: &GenericParam) -> TokenStream {
    match parameter {
        GenericParam::Lifetime(parameter) => parameter.lifetime.to_token_stream(),
        GenericParam::Type(parameter) => parameter.ident.to_token_stream(),
        GenericParam::Const(parameter) => {
            let (name, ty) = (&parameter.ident, &parameter.ty);
            quote!(const #name: #ty)
        }
    }
}

/// The name of a parameter: `C`, or `N`.
pub(crate) fn parameter_name(parameter: &GenericParam) -> &Ident {
    match parameter {
        GenericParam::Lifetime(parameter) => &parameter.lifetime.ident,
        GenericParam::Type(parameter) => &parameter.ident,
        GenericParam::Const(parameter) => &parameter.ident,
    }
}

/// `<C, N>`
fn arguments(item: &ItemImpl) -> Option<TokenStream> {
    (!item.generics.params.is_empty()).then(|| item.generics.split_for_impl().1.to_token_stream())
}

/// The block's parameters, of which each type lives as long as the program.
///
/// ```text
/// where C: 'static
/// ```
pub(crate) fn static_generics(block: &Block) -> syn::Generics {
    let mut generics = block.item.generics.clone();
    let types: Vec<_> = generics.type_params().map(|parameter| parameter.ident.clone()).collect();
    if !types.is_empty() {
        let predicates = &mut generics.make_where_clause().predicates;
        predicates.extend(types.iter().map(|ty| -> syn::WherePredicate { syn::parse_quote!(#ty: 'static) }));
    }
    generics
}
