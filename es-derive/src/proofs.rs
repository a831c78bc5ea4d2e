//! What is proved of the user's types once, so that the compiler says once what they lack; see `es_core`'s
//! `private/proofs.rs`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::krate::Krate;

/// A type of which something is proved where it is first needed, at `span`: by a function of `private` that has it as a
/// bound.
///
/// Where the proof fails, that is said once, and the type is a broken one, of which the compiler says nothing more. Were
/// it only a bound, the compiler would report it wherever the type is used.
///
/// ```text
/// <[(); ::es_core::private::aggregate::<__Owner>()] as ::es_core::private::Proved<__Owner>>::Type
/// ```
pub(crate) fn proved(krate: &Krate, proof: &str, ty: &TokenStream, span: Span) -> TokenStream {
    let (krate, proof) = (krate.at(span), Ident::new(proof, span));
    quote_spanned!(span=> <[(); #krate::private::#proof::<#ty>()] as #krate::private::Proved<#ty>>::Type)
}

/// A proof about a type that the user declares, said at its name. An `impl` that has the constant in a bound, as the
/// length of an array, is one of which the compiler says nothing more where the proof fails.
///
/// ```text
/// const __PROVED: usize = ::es_core::private::shared_state::<Account>();
/// ```
pub(crate) fn proof(krate: &Krate, proof: &str, ident: &Ident) -> TokenStream {
    let span = ident.span();
    let krate = krate.at(span);
    let proof = proof.split("::").map(|name| Ident::new(name, span));
    quote_spanned! {span=>
        const __PROVED: ::core::primitive::usize = #krate::private::#(#proof)::*::<#ident>();
    }
}

/// An `impl` that is broken where the proof fails. The documentation of the user's crate shows it without the proofs.
///
/// ```text
/// #[cfg(not(doc))]
/// impl ::es_core::Aggregate for Account where [(); __PROVED]: Sized { .. }
/// #[cfg(doc)]
/// impl ::es_core::Aggregate for Account { .. }
/// ```
pub(crate) fn implementation(head: &TokenStream, proved: &TokenStream, documented: &TokenStream) -> TokenStream {
    quote! {
        #[cfg(not(doc))]
        #[automatically_derived]
        #head
        where
            [(); __PROVED]: ::core::marker::Sized,
        {
            #proved
        }

        #[cfg(doc)]
        #[automatically_derived]
        #head {
            #documented
        }
    }
}
