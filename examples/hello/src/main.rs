//! Tickets for concerts, with one rule: no seat is sold twice.

use es_core::prelude::*;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct ConcertId(String);

// What can happen to a concert.
#[derive(Event, Serialize, Deserialize, Debug)]
struct ConcertAnnounced {
    seats: u32,
}
#[derive(Event, Serialize, Deserialize, Debug)]
struct TicketsSold {
    tickets: u32,
}
#[derive(EventSet, Debug)]
enum ConcertEvent {
    Announced(ConcertAnnounced),
    Sold(TicketsSold),
}

// What it remembers: as much as its decisions need.
#[derive(Aggregate, Default, Debug)]
#[aggregate(name = "concert", id = ConcertId, event = ConcertEvent)]
struct Concert {
    free_seats: u32,
}
#[event_handler]
impl Concert {
    fn announced(&mut self, event: &ConcertAnnounced) {
        self.free_seats = event.seats;
    }
    fn sold(&mut self, event: &TicketsSold) {
        self.free_seats -= event.tickets;
    }
}

// What it may be asked, and how it decides.
struct AnnounceConcert {
    seats: u32,
}
struct BuyTickets {
    tickets: u32,
}
#[derive(thiserror::Error, Debug)]
#[error("only {free_seats} seats are free")]
struct SoldOut {
    free_seats: u32,
}
#[command_handler]
impl Concert {
    fn announce(command: &AnnounceConcert) -> Result<ConcertAnnounced, std::convert::Infallible> {
        Ok(ConcertAnnounced { seats: command.seats })
    }
    fn buy(&self, command: &BuyTickets) -> Result<TicketsSold, SoldOut> {
        match self.free_seats {
            free_seats if command.tickets > free_seats => Err(SoldOut { free_seats }),
            _ => Ok(TicketsSold { tickets: command.tickets }),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let concerts = MemoryStore::new().repository::<Concert>();
    let id = ConcertId("jazz-night".to_owned());

    concerts.execute(&id, AnnounceConcert { seats: 100 }).await?;
    let done = concerts.execute(&id, BuyTickets { tickets: 60 }).await?;
    println!("60 tickets are sold, {} seats are free", done.state.free_seats);

    let refused = concerts.execute(&id, BuyTickets { tickets: 50 }).await.unwrap_err();
    println!("50 more: {refused}");

    println!("free seats before the sale: {}", concerts.load(&id).at_version(1).await?.state.free_seats);
    println!("free seats now: {}", concerts.load(&id).await?.state.free_seats);
    Ok(())
}
