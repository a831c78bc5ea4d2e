//! Aggregates with parameters.

use std::{convert::Infallible, fmt::Debug, marker::PhantomData};

use es_core::{prelude::*, testing::given};

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct PurseId(String);

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct CoinPutIn {
    value: u64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Emptied {}

#[derive(EventSet, Clone, Debug, PartialEq)]
enum PurseEvent {
    PutIn(CoinPutIn),
    Emptied(Emptied),
}

trait Currency: Send + Sync + 'static {
    const SMALLEST: u64;
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Crowns;

impl Currency for Crowns {
    const SMALLEST: u64 = 50;
}

#[derive(Aggregate, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[aggregate(name = "purse", id = PurseId, event = PurseEvent)]
struct Purse<C: Currency, const COINS: usize> {
    values: Vec<u64>,
    #[serde(skip)]
    currency: PhantomData<C>,
}

impl<C: Currency, const COINS: usize> Default for Purse<C, COINS> {
    fn default() -> Self {
        Self { values: Vec::new(), currency: PhantomData }
    }
}

#[event_handler]
impl<C: Currency, const COINS: usize> Purse<C, COINS> {
    fn put_in(&mut self, event: CoinPutIn, metadata: &Metadata) {
        self.values.push(event.value + u64::from(metadata.actor.is_some()));
    }

    fn emptied(&mut self, _: &Emptied) {
        self.values.clear();
    }
}

#[derive(Clone, Debug)]
struct PutIn {
    value: u64,
}

#[derive(Debug, PartialEq)]
enum Refused {
    TooSmall,
    Full,
}

struct Empty<C>(PhantomData<fn() -> C>);

#[command_handler]
impl<C: Currency, const COINS: usize> Purse<C, COINS> {
    #[command(or_default)]
    fn put_coin_in(&self, command: PutIn, context: &CommandContext<'_, Self>) -> Result<CoinPutIn, Refused> {
        if command.value < C::SMALLEST {
            return Err(Refused::TooSmall);
        }
        if self.values.len() == COINS || context.version().get() > 10 {
            return Err(Refused::Full);
        }
        Ok(CoinPutIn { value: command.value })
    }

    fn empty(&self, _: &Empty<C>) -> Result<Option<Emptied>, Infallible> {
        Ok((!self.values.is_empty()).then_some(Emptied {}))
    }
}

#[test]
fn each_instance_decides_for_itself() {
    type Small = Purse<Crowns, 1>;
    type Large = Purse<Crowns, 2>;
    given::<Small>(()).when(PutIn { value: 10 }).then_error(Refused::TooSmall);
    given::<Small>(CoinPutIn { value: 50 }).when(PutIn { value: 50 }).then_error(Refused::Full);
    given::<Large>(CoinPutIn { value: 50 }).when(PutIn { value: 50 }).then(CoinPutIn { value: 50 });
    given::<Large>(CoinPutIn { value: 50 }).when(Empty::<Crowns>(PhantomData)).then(Emptied {});
}

#[tokio::test]
async fn an_instance_is_stored_and_loaded() {
    let store = MemoryStore::new();
    let purses = store.repository::<Purse<Crowns, 3>>();
    let id = PurseId("mine".to_owned());
    for value in [50, 100, 200] {
        purses.execute(&id, PutIn { value }).actor("me").await.expect("there is room");
    }
    let loaded = purses.load(&id).await.expect("it exists");
    assert_eq!((loaded.state.values, loaded.version.get()), (vec![51, 101, 201], 3));
    assert!(purses.execute(&id, PutIn { value: 50 }).await.is_err());
}
