#![allow(missing_docs)]
use proc_macro::TokenStream;
#[proc_macro_derive(Event)] pub fn event(_: TokenStream)->TokenStream{TokenStream::new()}
#[proc_macro_derive(EventSet)] pub fn event_set(_: TokenStream)->TokenStream{TokenStream::new()}
#[proc_macro_derive(Aggregate)] pub fn aggregate(_: TokenStream)->TokenStream{TokenStream::new()}
#[proc_macro_derive(AggregateId)] pub fn aggregate_id(_: TokenStream)->TokenStream{TokenStream::new()}
#[proc_macro_attribute] pub fn event_handler(_: TokenStream,i: TokenStream)->TokenStream{i}
#[proc_macro_attribute] pub fn command_handler(_: TokenStream,i: TokenStream)->TokenStream{i}
