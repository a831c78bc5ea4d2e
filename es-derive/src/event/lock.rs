//! An event and its lock: the shape that the test records, and the comparison with what is released.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::Event;
use crate::{
    errors::Errors,
    lock::{self, Shape},
    version::number,
};

/// What the test that writes the lock is to know of this version, and of those before it.
///
/// ```text
/// const SHAPE: Option<&'static Shape> = Some(&::es_core::private::lock::Shape {
///     version: 2,
///     text: "  event MoneyDeposited v2\n    amount: i64\n    description: String\n",
///     previous: <MoneyDepositedV1 as ::es_core::Event>::SHAPE,
/// });
/// ```
pub(super) fn shape(event: &Event) -> TokenStream {
    let Event { krate, name, input, previous, .. } = event;
    if event.unlocked {
        return constant(event, &quote!(#krate::private::lock::Shape::UNLOCKED));
    }
    let version = number(event.version());
    let text = Shape::of(input).record(&name.text, version).to_string();
    let previous = previous
        .as_ref()
        .map_or_else(|| quote!(::core::option::Option::None), |previous| quote!(<#previous as #krate::Event>::SHAPE));
    constant(event, &quote!(#krate::private::lock::Shape { version: #version, text: #text, previous: #previous }))
}

/// The shape of an event with mistakes: nothing is concluded from it.
pub(super) fn broken(event: &Event) -> TokenStream {
    let krate = &event.krate;
    constant(event, &quote!(#krate::private::lock::Shape::BROKEN))
}

fn constant(event: &Event, shape: &TokenStream) -> TokenStream {
    let krate = &event.krate;
    quote! {
        const SHAPE: ::core::option::Option<&'static #krate::private::lock::Shape> = ::core::option::Option::Some(&#shape);
    }
}

/// Each difference from what is released, and what makes the compiler look again. A lock that cannot be read is told by
/// the sets, not once more by each of their events.
pub(super) fn compare(event: &Event) -> TokenStream {
    let Some(file) = (!event.unlocked).then(lock::File::of_this_crate).flatten() else {
        return TokenStream::new();
    };
    let mut errors = Errors::default();
    if let Some(released) = file.released() {
        let (ident, name, version) = (&event.input.ident, &event.name.text, number(event.version()));
        lock::compare(ident, name, version, &Shape::of(&event.input), released, &mut errors);
    }
    let (errors, tracking) = (errors.to_items(), file.tracking());
    quote!(#errors #tracking)
}
