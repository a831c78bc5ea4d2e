//! What the macros write for read models and projections means the same wherever it is written: without a prelude, among
//! hostile and raw names, under another name of `es_core`, in functions and macros, under any visibility, and gives no
//! warning.
#![no_implicit_prelude]
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused_qualifications, unused_results)]
#![deny(rust_2018_idioms, let_underscore, future_incompatible, keyword_idents, refining_impl_trait)]
#![deny(single_use_lifetimes, trivial_casts, trivial_numeric_casts, unused_lifetimes, unused_import_braces)]
#![deny(clippy::all, clippy::pedantic)]
#![allow(non_camel_case_types, reason = "keywords are small")]

/// Types that generated code must not take for the real ones.
mod hostile {
    pub(crate) struct Box;
    pub(crate) struct Clone;
    pub(crate) struct Default;
    pub(crate) struct Envelope;
    pub(crate) struct Err;
    pub(crate) struct Event;
    pub(crate) struct Future;
    pub(crate) struct Handle;
    pub(crate) struct Ok;
    pub(crate) struct Option;
    pub(crate) struct Projection;
    pub(crate) struct ReadModel;
    pub(crate) struct Result;
    pub(crate) struct Row;
    pub(crate) struct Send;
    pub(crate) struct Sync;
    pub(crate) struct Vec;

    pub(crate) mod core {}
    pub(crate) mod std {}
    pub(crate) mod es_core {}
    pub(crate) mod serde {}
}

/// Another name for the library.
mod library {
    pub(crate) use ::es_core::*;
}

mod domain {
    use super::hostile::*;

    #[derive(
        ::es_core::prelude::AggregateId,
        ::core::clone::Clone,
        ::core::fmt::Debug,
        ::core::cmp::PartialEq,
        ::core::cmp::Eq,
        ::core::hash::Hash,
    )]
    pub(crate) struct LampId(pub(crate) ::std::string::String);

    #[derive(::es_core::prelude::Event, ::serde::Serialize, ::serde::Deserialize, ::core::clone::Clone)]
    #[deprecated = "lamps are old"]
    pub(crate) struct LampLit {
        #[deprecated = "light counts"]
        pub(crate) watts: ::core::primitive::u32,
    }

    #[derive(::es_core::prelude::Event, ::serde::Serialize, ::serde::Deserialize)]
    pub(crate) struct r#struct {}

    #[derive(::es_core::prelude::EventSet)]
    #[allow(deprecated, reason = "what is deprecated is still stored")]
    pub(crate) enum LampEvent {
        Lit(LampLit),
        PutOut(r#struct),
    }

    #[derive(::es_core::prelude::ReadModel, ::core::fmt::Debug)]
    #[read_model(table = "lamps", version = 2, shards = 2, policy = skip)]
    pub(crate) struct r#impl {
        #[read_model(key)]
        pub(super) r#type: LampId,
        #[read_model(index)]
        r#match: ::core::option::Option<::core::primitive::u32>,
        #[read_model(json)]
        pub(super) r#loop: ::core::option::Option<(::core::primitive::u8, ::std::string::String)>,
        #[read_model(text)]
        r#while: ::std::string::String,
        #[read_model(sql = "inet")]
        r#for: ::core::option::Option<::std::net::IpAddr>,
    }

    #[::es_core::prelude::event_handler(covers(LampEvent))]
    #[allow(deprecated, reason = "what is deprecated is still stored")]
    impl r#impl {
        fn r#fn(&mut self, event: LampLit, _: &::es_core::Envelope) {
            self.r#match = ::core::option::Option::Some(event.watts);
        }

        #[key(LampId(::std::string::ToString::to_string(envelope.stream.id())), Self::attic())]
        pub(super) fn put_out(&mut self, _: &r#struct, _: &::es_core::Metadata) -> ::es_core::Row {
            ::es_core::Row::Delete
        }
    }

    impl r#impl {
        fn attic() -> LampId {
            LampId(::std::convert::From::from("attic"))
        }
    }

    /// What a mail needs.
    #[derive(::es_core::prelude::Reactor, ::core::fmt::Debug)]
    #[reactor(crate = super::library, name = "mail", shards = 3, policy = dead_letter)]
    pub(crate) struct r#use {
        pub(crate) attempts: ::std::sync::atomic::AtomicU32,
    }

    #[::es_core::prelude::event_handler(crate = super::library, covers(LampEvent), ignore(LampLit))]
    #[allow(deprecated, reason = "what is deprecated is still stored")]
    impl r#use {
        #[key(&envelope.stream)]
        async fn r#async(
            &self,
            _: &r#struct,
            delivery: &::es_core::Delivery,
        ) -> ::core::result::Result<(), ::std::io::Error> {
            self.attempts.store(delivery.attempt, ::std::sync::atomic::Ordering::Relaxed);
            ::core::result::Result::Ok(())
        }

        #[cfg(any())]
        #[key(event.nothing)]
        async fn never(&self, _: NoSuchEvent) {}
    }

    /// A context with a lifetime and a parameter.
    pub(crate) struct Ledger<'a, T> {
        pub(crate) lines: &'a mut ::std::vec::Vec<T>,
    }

    #[derive(::es_core::prelude::Projection, ::core::fmt::Debug)]
    #[projection(crate = super::library, name = "r#log")]
    pub(crate) struct r#dyn;

    #[::es_core::prelude::event_handler(crate = super::library, covers(LampEvent), ignore(LampLit))]
    #[allow(deprecated, reason = "what is deprecated is still stored")]
    impl r#dyn {
        async fn r#async(
            &self,
            _: &r#struct,
            ledger: &mut Ledger<'_, ::core::primitive::u8>,
        ) -> ::core::result::Result<
            (),
            ::std::boxed::Box<dyn ::std::error::Error + ::core::marker::Send + ::core::marker::Sync>,
        > {
            ledger.lines.push(1);
            ::core::result::Result::Ok(())
        }

        #[cfg(any())]
        async fn never(&self, _: NoSuchEvent) {}
    }

    // The names are there to be in the way.
    #[expect(dead_code, reason = "they are only in the way")]
    type InTheWay = (Box, Clone, Default, Envelope, Err, Event, Future, Handle, Ok, Option);
    #[expect(dead_code, reason = "they are only in the way")]
    type AlsoInTheWay = (Projection, ReadModel, Result, Row, Send, Sync, Vec);
}

macro_rules! summary {
    ($vis:vis $name:ident, $key:ty, $event:ty, $set:ty, $context:ty, $also:expr) => {
        fn hall(_: &$event) -> $key {
            domain::LampId(::std::convert::From::from("hall"))
        }

        #[derive(::es_core::prelude::ReadModel)]
        #[read_model(table = "summaries")]
        $vis struct $name {
            #[read_model(key)]
            key: $key,
            count: ::core::primitive::u64,
        }

        #[::es_core::prelude::event_handler(covers($set), ignore(domain::LampLit))]
        #[allow(deprecated, reason = "what is deprecated is still stored")]
        impl $name {
            #[key(hall(event), $also)]
            fn happened(&mut self, _: &$event) {
                self.count += 1;
            }
        }

        #[derive(::es_core::prelude::Projection)]
        #[projection(name = "summaries")]
        $vis struct Log;

        #[::es_core::prelude::event_handler]
        impl Log {
            async fn happened(&self, _: &$event, context: &mut $context) {
                *context += 1;
            }
        }
    };
}

fn stored() -> ::es_core::store::StoredEvent {
    use ::std::prelude::v1::*;

    ::es_core::store::StoredEvent::new(
        ::es_core::StreamId::new("lamp", "hall"),
        ::es_core::StreamVersion::new(1),
        ::es_core::Position::new(1),
        "struct".to_owned(),
        1,
        ::es_core::EventId::now(),
        b"{}".to_vec(),
        br#"{"occurred_at":"2026-01-01T00:00:00Z"}"#.to_vec(),
        ::es_core::prelude::Utc::now(),
    )
}

#[::core::prelude::v1::test]
fn macros_in_functions_and_raw_names() {
    use ::std::{assert, assert_eq, prelude::v1::*};

    summary!(pub(crate) Summary, domain::LampId, domain::r#struct, domain::LampEvent, ::core::primitive::u64, &hall(event));

    let mut rows = ::es_core::projection::Rows::<Summary>::new();
    rows.apply(&stored()).expect("it folds");
    let counts: Vec<_> = rows.iter().map(|row| (row.key.0.as_str(), row.count)).collect();
    assert_eq!(counts, [("hall", 1)]);

    let mut rows = ::es_core::projection::Rows::<domain::r#impl>::new();
    rows.apply(&stored()).expect("it folds");
    assert!(rows.is_empty());
    let keys = <domain::r#impl as ::es_core::ReadModel>::keys(&stored()).expect("keys");
    assert_eq!(keys.iter().map(|key| key.0.as_str()).collect::<Vec<_>>(), ["hall", "attic"]);
    let columns = <domain::r#impl as ::es_core::ReadModel>::COLUMNS;
    let columns: Vec<_> = columns.iter().map(|column| (column.name, column.nullable)).collect();
    assert_eq!(columns, [("type", false), ("match", true), ("loop", true), ("while", false), ("for", true)]);
    assert_eq!(<domain::r#dyn as ::es_core::Projection>::NAME, "r#log");
    let _ = (Log, domain::r#dyn);
}

#[::core::prelude::v1::test]
fn reactors() {
    use ::es_core::{Reactor as _, projection::ReactorHandlers as _};
    use ::std::{assert, assert_eq, future::Future as _, matches, prelude::v1::*};

    let (reactor, event) = (domain::r#use { attempts: 0.into() }, stored());
    {
        let mut delivered = ::std::pin::pin!(reactor.deliver(&event, 7));
        let mut context = ::std::task::Context::from_waker(::std::task::Waker::noop());
        assert!(matches!(delivered.as_mut().poll(&mut context), ::std::task::Poll::Ready(Ok(()))));
    }
    assert_eq!(reactor.attempts.into_inner(), 7);
    assert_eq!((domain::r#use::NAME, domain::r#use::SHARDS), ("mail", 3));
    assert_eq!(domain::r#use::key(&event).expect("a key"), "lamp/hall");
}

#[::core::prelude::v1::test]
fn contexts_with_lifetimes_and_parameters() {
    use ::es_core::projection::ProjectionHandlers as _;
    use ::std::{assert, assert_eq, future::Future as _, matches, prelude::v1::*};

    let (mut lines, event) = (Vec::new(), stored());
    {
        let mut ledger = domain::Ledger { lines: &mut lines };
        let mut handled = ::std::pin::pin!(domain::r#dyn.handle_stored(&event, &mut ledger));
        let mut context = ::std::task::Context::from_waker(::std::task::Waker::noop());
        assert!(matches!(handled.as_mut().poll(&mut context), ::std::task::Poll::Ready(Ok(()))));
    }
    assert_eq!(lines, [1]);
}
