//! A clock that tests set.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};

use crate::memory::Clock;

/// A clock that stands still until a test moves it. Clones are one clock.
///
/// ```
/// use es_core::{prelude::*, testing::FakeClock};
/// use std::time::Duration;
/// # #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
/// # struct LampId(String);
/// # #[derive(Event, Serialize, Deserialize, Clone, Debug)]
/// # struct LampLit {}
/// # #[derive(EventSet, Debug)]
/// # enum LampEvent { Lit(LampLit) }
/// # #[derive(Aggregate, Default, Debug)]
/// # #[aggregate(name = "lamp", id = LampId, event = LampEvent)]
/// # struct Lamp { times_lit: u32 }
/// # #[event_handler]
/// # impl Lamp { fn lit(&mut self, _: &LampLit) { self.times_lit += 1; } }
/// # struct Light;
/// # #[command_handler]
/// # impl Lamp {
/// #     #[command(or_default)]
/// #     fn light(&self, _: &Light) -> Result<LampLit, std::convert::Infallible> { Ok(LampLit {}) }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let evening = "2026-01-01T18:00:00Z".parse()?;
/// let clock = FakeClock::at(evening);
/// let lamps = MemoryStore::with_clock(clock.clone()).repository::<Lamp>();
/// let hall = LampId("hall".into());
///
/// lamps.execute(&hall, Light).await?;
/// clock.advance(Duration::from_secs(3_600));
/// lamps.execute(&hall, Light).await?;
///
/// assert_eq!(lamps.load(&hall).at_time(evening).await?.state.times_lit, 1);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct FakeClock(Arc<Mutex<DateTime<Utc>>>);

impl FakeClock {
    /// A clock that shows this time.
    pub fn at(time: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(time)))
    }

    /// Moves it on.
    ///
    /// # Panics
    /// When it would come to a time that chrono does not know, beyond the year 262,000.
    pub fn advance(&self, by: Duration) {
        self.change(|time| *time += by);
    }

    /// Sets it, also to an earlier time.
    pub fn set(&self, time: DateTime<Utc>) {
        self.change(|now| *now = time);
    }

    fn change(&self, change: impl FnOnce(&mut DateTime<Utc>)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Clock for FakeClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
