use es_core::prelude::*;

#[derive(Projection)]
#[projection(name = "log")]
struct Log<Line> {
    lines: Vec<Line>,
}

fn main() {}
