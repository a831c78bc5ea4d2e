//! What repositories promise, on any store: a purse that is asked for money, and a store that is watched.

pub(crate) mod cache;
pub(crate) mod many;
pub(crate) mod retry;
pub(crate) mod stress;
pub(crate) mod turns;
pub(crate) mod watched;

use std::sync::atomic::{AtomicBool, Ordering};

use es_core::prelude::*;

pub(crate) use self::watched::{Fault, Watched};

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PurseId(pub(crate) String);

pub(crate) fn id(text: &str) -> PurseId {
    PurseId(text.to_owned())
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct CoinsCame {
    pub(crate) coins: u64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct CoinsWent {
    pub(crate) coins: u64,
}

/// Its handler panics while the trap is set.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct TrapMet {}

#[derive(EventSet, Clone, Debug, PartialEq)]
pub(crate) enum PurseEvent {
    Came(CoinsCame),
    Went(CoinsWent),
    Met(TrapMet),
}

#[derive(Aggregate, Serialize, Deserialize, Default, Clone, Debug, PartialEq)]
#[aggregate(name = "purse", id = PurseId, event = PurseEvent, snapshot(every = 10))]
pub(crate) struct Purse {
    pub(crate) coins: u64,
    pub(crate) last_actor: Option<String>,
}

pub(crate) static TRAP: AtomicBool = AtomicBool::new(false);

#[event_handler]
impl Purse {
    fn came(&mut self, event: &CoinsCame, metadata: &Metadata) {
        self.coins += event.coins;
        self.last_actor.clone_from(&metadata.actor);
    }

    fn went(&mut self, event: &CoinsWent, metadata: &Metadata) {
        self.coins -= event.coins;
        self.last_actor.clone_from(&metadata.actor);
    }

    fn met(&mut self, _: &TrapMet) {
        self.coins += 1_000;
        assert!(!TRAP.load(Ordering::SeqCst), "the trap");
    }
}

/// Begins a purse.
pub(crate) struct Found(pub(crate) u64);
/// Into any purse, be it there or not.
pub(crate) struct Give(pub(crate) u64);
/// From a purse that is there.
pub(crate) struct Take(pub(crate) u64);
/// Brings a purse up to so many coins.
pub(crate) struct Fill(pub(crate) u64);
pub(crate) struct MeetTrap;
pub(crate) struct Panic;

/// Says upon which state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Short {
    pub(crate) coins: u64,
    pub(crate) version: u64,
}

#[command_handler]
impl Purse {
    fn found(command: &Found) -> Result<CoinsCame, std::convert::Infallible> {
        Ok(CoinsCame { coins: command.0 })
    }

    #[command(or_default)]
    fn give(&self, command: &Give) -> Result<CoinsCame, std::convert::Infallible> {
        Ok(CoinsCame { coins: command.0 })
    }

    fn take(&self, command: &Take, context: &CommandContext<'_, Self>) -> Result<CoinsWent, Short> {
        if command.0 > self.coins {
            return Err(Short { coins: self.coins, version: context.version().get() });
        }
        Ok(CoinsWent { coins: command.0 })
    }

    fn fill(&self, command: &Fill) -> Result<Option<CoinsCame>, std::convert::Infallible> {
        let coins = command.0.saturating_sub(self.coins);
        Ok((coins > 0).then_some(CoinsCame { coins }))
    }

    fn meet_trap(&self, _: &MeetTrap) -> Result<TrapMet, std::convert::Infallible> {
        Ok(TrapMet {})
    }

    fn panic(&self, _: &Panic) -> Result<TrapMet, std::convert::Infallible> {
        panic!("the decision panics")
    }
}

/// The coins after each version, replayed one by one from what is stored; of version 0 none.
pub(crate) async fn replay<S: EventStore>(store: &S, id: &PurseId) -> Vec<u64> {
    let mut coins = vec![0];
    for recorded in store.repository::<Purse>().history(id).all().await.expect("a history") {
        let before = coins.last().copied().unwrap_or_default();
        coins.push(match recorded.event {
            PurseEvent::Came(event) => before + event.coins,
            PurseEvent::Went(event) => before - event.coins,
            PurseEvent::Met(_) => before + 1_000,
        });
        assert_eq!(recorded.envelope.version.get(), coins.len() as u64 - 1);
    }
    coins
}
