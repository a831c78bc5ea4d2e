use es_core::prelude::*;

#[derive(EventSet)]
enum LampEvent {}

fn main() {}
