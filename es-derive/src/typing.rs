//! Derives above attributes that are being typed: an editor expands them at every keystroke, and the type keeps its
//! implementations all the while. For blocks of handlers see `handlers::unfinished`.

use proc_macro2::TokenStream;

#[track_caller]
fn keeps(derive: fn(TokenStream) -> TokenStream, part: &str, item: &str, attributes: &[&str]) {
    for attribute in attributes {
        let written = derive(format!("{attribute} {item}").parse().expect("tokens")).to_string();
        assert!(written.contains(part), "{attribute} gives no `{part}`: {written}");
        assert!(written.contains("compile_error"), "{attribute} gives no error: {written}");
    }
}

#[test]
fn an_aggregate() {
    let attributes =
        ["", "#[aggregate]", "#[aggregate()]", "#[aggregate(name = )]", "#[aggregate(na)]", "#[aggregate(id = A, ev)]"];
    let part = "impl :: es_core :: Aggregate for Account";
    keeps(crate::aggregate::derive, part, "struct Account { balance: i64 }", &attributes);
}

#[test]
fn an_id() {
    let attributes = ["#[aggregate_id]", "#[aggregate_id(cr)]", "#[aggregate_id(crate = )]"];
    let part = "impl :: es_core :: AggregateId for AccountId";
    keeps(crate::aggregate_id::derive, part, "struct AccountId(String);", &attributes);
    keeps(crate::aggregate_id::derive, part, "struct AccountId();", &[""]);
}

#[test]
fn an_event() {
    let attributes = ["#[event]", "#[event(name = )]", "#[event(vers)]", "#[event(version = 2, previous = )]"];
    let part = ":: es_core :: Event for Opened";
    keeps(crate::event::derive, part, "struct Opened { limit: i64 }", &attributes);
}

#[test]
fn a_set() {
    let part = ":: es_core :: EventSet for AccountEvent";
    keeps(
        crate::event_set::derive,
        part,
        "enum AccountEvent { Opened(Opened) }",
        &["#[event_set]", "#[event_set(cr)]"],
    );
    keeps(crate::event_set::derive, part, "enum AccountEvent { Opened(Opened), Dep }", &[""]);
    keeps(crate::event_set::derive, part, "enum AccountEvent { Opened() }", &[""]);
    keeps(crate::event_set::derive, part, "enum AccountEvent {}", &[""]);
}

#[test]
fn a_read_model() {
    let attributes = [
        "",
        "#[read_model]",
        "#[read_model()]",
        "#[read_model(table = )]",
        "#[read_model(ta)]",
        "#[read_model(table = \"a\", ver)]",
    ];
    let part = "impl :: es_core :: ReadModel for Summary";
    keeps(crate::read_model::derive, part, "struct Summary { #[read_model(key)] id: String, n: u8 }", &attributes);
    keeps(crate::read_model::derive, part, "struct Summary {}", &["#[read_model(table = \"a\")]"]);
}

#[test]
fn a_projection() {
    let attributes = ["", "#[projection]", "#[projection()]", "#[projection(name = )]", "#[projection(na)]"];
    let part = "impl :: es_core :: Projection for Log";
    keeps(crate::projection::derive, part, "struct Log;", &attributes);
}
