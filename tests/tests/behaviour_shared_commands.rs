//! Commands that several aggregates know, commands that borrow, and instances of generic ones.

use std::{convert::Infallible, marker::PhantomData};

use es_core::{prelude::*, testing::given};

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct Number(u32);

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct AccountRenamed {
    name: String,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct MoneyMoved {
    currency: String,
    amount: i64,
}

#[derive(EventSet, Clone, Debug, PartialEq)]
enum AccountEvent {
    Renamed(AccountRenamed),
    Moved(MoneyMoved),
}

#[derive(Aggregate, Default, Clone, Debug, PartialEq)]
#[aggregate(name = "account", id = Number, event = AccountEvent)]
struct Account {
    name: String,
}

#[event_handler]
impl Account {
    fn on_renamed(&mut self, event: &AccountRenamed) {
        self.name.clone_from(&event.name);
    }

    fn on_moved(&mut self, _: &MoneyMoved) {}
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct CardRenamed {
    name: String,
}

#[derive(EventSet, Clone, Debug, PartialEq)]
enum CardEvent {
    Renamed(CardRenamed),
}

#[derive(Aggregate, Default, Clone, Debug, PartialEq)]
#[aggregate(name = "card", id = Number, event = CardEvent)]
struct Card {
    name: String,
}

#[event_handler]
impl Card {
    fn on_renamed(&mut self, event: &CardRenamed) {
        self.name.clone_from(&event.name);
    }
}

// ── One command for several aggregates ──────────────────────────────────────

#[derive(Clone, Debug)]
struct Rename {
    name: String,
}

#[derive(Debug, PartialEq)]
struct Nameless;

#[derive(Debug, PartialEq)]
struct TooLong {
    letters: usize,
}

#[command_handler]
impl Account {
    #[command(or_default)]
    fn rename(&self, command: &Rename) -> Result<AccountRenamed, Nameless> {
        if command.name.is_empty() { Err(Nameless) } else { Ok(AccountRenamed { name: command.name.clone() }) }
    }
}

#[command_handler]
impl Card {
    #[command(or_default)]
    fn rename(&self, command: Rename) -> Result<Option<CardRenamed>, TooLong> {
        match command.name.len() {
            letters @ 9.. => Err(TooLong { letters }),
            0 => Ok(None),
            _ => Ok(Some(CardRenamed { name: command.name })),
        }
    }
}

#[tokio::test]
async fn one_command_goes_to_several_aggregates_each_with_its_own_error() {
    let store = MemoryStore::new();
    let (accounts, cards) = (store.repository::<Account>(), store.repository::<Card>());
    let (id, rename) = (Number(1), |name: &str| Rename { name: name.to_owned() });

    assert_eq!(accounts.execute(&id, rename("savings")).await.unwrap().state.name, "savings");
    assert_eq!(cards.execute(&id, rename("gold")).await.unwrap().state.name, "gold");

    let nameless: ExecuteError<Nameless> = accounts.execute(&id, rename("")).await.unwrap_err();
    assert_eq!(nameless.rejection(), Some(&Nameless));
    assert!(cards.execute(&id, rename("")).await.unwrap().events.is_empty());
    let too_long: ExecuteError<TooLong> = cards.execute(&id, rename("far too long")).await.unwrap_err();
    assert_eq!(too_long.rejection(), Some(&TooLong { letters: 12 }));

    assert_eq!(accounts.load(&id).await.unwrap().state.name, "savings");
    assert_eq!(cards.load(&id).await.unwrap().state.name, "gold");
}

// ── Commands that borrow ────────────────────────────────────────────────────

struct RenameTo<'a> {
    name: &'a str,
}

#[derive(Clone)]
struct Swap<'a, 'b> {
    first: &'a str,
    second: &'b str,
}

struct Refer<'a>(&'a str);

struct Quote<T>(T);

#[derive(Debug, PartialEq)]
struct Refused<'a> {
    name: &'a str,
}

#[command_handler]
impl Account {
    #[command(or_default)]
    fn rename_to(&self, command: &RenameTo<'_>) -> Result<AccountRenamed, Infallible> {
        Ok(AccountRenamed { name: command.name.to_owned() })
    }

    #[command(or_default)]
    fn swap(&self, command: Swap<'_, '_>) -> Result<[AccountRenamed; 2], Infallible> {
        Ok([command.second, command.first].map(|name| AccountRenamed { name: name.to_owned() }))
    }

    #[command(or_default)]
    fn refer<'a>(&self, command: &Refer<'a>, _: &CommandContext<'_, Self>) -> Result<(), Refused<'a>> {
        Err(Refused { name: command.0 })
    }

    #[expect(clippy::type_complexity, reason = "each of the references has a lifetime of its own")]
    #[command(or_default)]
    fn quote(&self, command: &Quote<(&str, fn(&str) -> usize)>) -> Result<AccountRenamed, ()> {
        let (name, length) = &command.0;
        Ok(AccountRenamed { name: name[..length(name)].to_owned() })
    }
}

#[tokio::test]
async fn a_command_may_borrow() {
    let accounts = MemoryStore::new().repository::<Account>();
    let (id, name) = (Number(1), "savings".to_owned());
    assert_eq!(accounts.execute(&id, RenameTo { name: &name }).await.unwrap().state.name, name);
    let swap = Swap { first: "old", second: &name };
    assert_eq!(accounts.execute(&id, swap).run().await.unwrap().state.name, "old");
    let refused = accounts.execute(&id, Refer(&name)).await.unwrap_err();
    assert_eq!(refused.rejection(), Some(&Refused { name: &name }));
    let shorter: fn(&str) -> usize = |name| name.len() - 1;
    assert_eq!(accounts.execute(&id, Quote((name.as_str(), shorter))).await.unwrap().state.name, "saving");
}

// ── Instances of a generic command ──────────────────────────────────────────

struct Euro;
struct Crown;

struct Transfer<C> {
    amount: i64,
    currency: PhantomData<C>,
}

impl<C> Transfer<C> {
    fn of(amount: i64) -> Self {
        Self { amount, currency: PhantomData }
    }
}

#[command_handler]
impl Account {
    #[command(or_default)]
    fn transfer_euros(&self, command: &Transfer<Euro>) -> Result<MoneyMoved, Infallible> {
        Ok(MoneyMoved { currency: "EUR".to_owned(), amount: command.amount })
    }

    #[command(or_default)]
    fn transfer_crowns(&self, command: &Transfer<Crown>) -> Result<MoneyMoved, Nameless> {
        Ok(MoneyMoved { currency: "CZK".to_owned(), amount: command.amount })
    }
}

#[test]
fn each_instance_of_a_generic_command_is_a_command() {
    let moved = |currency: &str| MoneyMoved { currency: currency.to_owned(), amount: 5 };
    given::<Account>(()).when(Transfer::<Euro>::of(5)).then(moved("EUR"));
    given::<Account>(()).when(Transfer::<Crown>::of(5)).then(moved("CZK"));
}
