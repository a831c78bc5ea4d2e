#![allow(missing_docs)]
use proc_macro::TokenStream;
mod aggregate;
mod aggregate_id;
mod attributes;
mod command_handler;
mod errors;
mod event;
mod event_handler;
mod event_set;
mod fingerprint;
mod handlers;
mod krate;
mod messages;
mod names;
mod spans;
mod suggest;
#[proc_macro_derive(Event, attributes(event))]
pub fn event(input: TokenStream) -> TokenStream {
    event::derive(input.into()).into()
}
#[proc_macro_derive(EventSet, attributes(event_set))]
pub fn event_set(input: TokenStream) -> TokenStream {
    event_set::derive(input.into()).into()
}
#[proc_macro_derive(Aggregate, attributes(aggregate))]
pub fn aggregate(input: TokenStream) -> TokenStream {
    aggregate::derive(input.into()).into()
}
#[proc_macro_derive(AggregateId, attributes(aggregate_id))]
pub fn aggregate_id(input: TokenStream) -> TokenStream {
    aggregate_id::derive(input.into()).into()
}
#[proc_macro_attribute]
pub fn event_handler(a: TokenStream, i: TokenStream) -> TokenStream {
    event_handler::attribute(a.into(), i.into()).into()
}
#[proc_macro_attribute]
pub fn command_handler(a: TokenStream, i: TokenStream) -> TokenStream {
    command_handler::attribute(a.into(), i.into()).into()
}
