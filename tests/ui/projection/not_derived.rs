use es_core::prelude::*;

struct Log;

fn project<P: Projection>() {}

fn react<R: Reactor>() {}

fn main() {
    project::<Log>();
    react::<Log>();
}
