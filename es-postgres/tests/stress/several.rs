//! Those who write to several streams at once: by one request, and by transactions of their own.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::support::append;
use es_core::{
    event::EventSchema,
    recorded::{EventId, Metadata, StreamVersion},
    store::{Append, Appended, EventStore as _, Expected, NewEvent, StoreError},
};
use es_postgres::PostgresStore;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::time::{sleep, timeout};

use super::{Happened, Random, Record, Told, one_more};

/// What stands together or not at all.
pub(crate) type Group = Vec<Record>;

fn records(appends: &[Append], told: impl Fn(usize) -> Told) -> Group {
    let record = |(number, append): (usize, &Append)| Record {
        stream: append.stream.id().to_owned(),
        ids: append.events.iter().map(|event| event.metadata.event_id).collect(),
        told: told(number),
    };
    appends.iter().enumerate().map(record).collect()
}

fn requests(random: &mut Random, versions: &HashMap<String, u64>) -> Vec<Append> {
    let mut seen = HashSet::new();
    let mut appends = Vec::new();
    for _ in 0..2 + random.below(3) {
        let id =
            if random.below(4) == 0 { format!("hot{}", random.below(3)) } else { format!("cold{}", random.below(200)) };
        if !seen.insert(id.clone()) {
            continue;
        }
        let known = versions.get(&id).copied().unwrap_or(0);
        let expected = if random.below(4) == 0 { Expected::Exact(StreamVersion::new(known)) } else { Expected::Any };
        let mut request = append(&id, expected, usize::try_from(1 + random.below(3)).unwrap_or(1));
        if random.below(5) == 0 {
            request = request.idempotency_key(uuid::Uuid::now_v7().to_string());
        }
        if random.below(60) == 0 {
            let metadata = Metadata::at(chrono::Utc::now());
            request.events.push(NewEvent::new(EventSchema::new("Tested", 1), "{no json".to_owned(), metadata));
        }
        appends.push(request);
    }
    appends
}

fn learn(versions: &mut HashMap<String, u64>, appends: &[Append], answers: &[Appended]) {
    for (append, appended) in appends.iter().zip(answers) {
        versions.insert(append.stream.id().to_owned(), appended.version().get());
    }
}

fn first(appended: &Appended) -> u64 {
    appended.events.first().expect("an event").version.get()
}

/// Appends to several streams by one request, as an impatient caller would.
pub(super) async fn together(
    store: PostgresStore,
    mut random: Random,
    end: Instant,
    happened: Arc<Happened>,
) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut versions = HashMap::new();
    while Instant::now() < end {
        let appends = requests(&mut random, &versions);
        if random.below(6) == 0 {
            let limit = Duration::from_micros(random.below(5_000));
            if timeout(limit, store.append_all(appends.clone())).await.is_err() {
                one_more(&happened.cancelled);
                if random.below(2) == 0 {
                    groups.push(records(&appends, |_| Told::Nothing));
                    continue;
                }
            }
        }
        let mut told = Told::Nothing;
        let mut doubtful = false;
        for _ in 0..50 {
            told = Told::NotStored;
            match store.append_all(appends.clone()).await {
                Ok(answers) => {
                    one_more(&happened.groups);
                    learn(&mut versions, &appends, &answers);
                    groups.push(records(&appends, |number| Told::Stored(first(&answers[number]))));
                    told = Told::Stored(0);
                    break;
                }
                Err(StoreError::Conflict(conflict)) => {
                    versions.insert(conflict.stream.id().to_owned(), conflict.actual.get());
                    break;
                }
                Err(StoreError::Backend { .. }) => break,
                Err(StoreError::Unavailable(_)) if !doubtful => break,
                Err(StoreError::Unavailable(_)) => {}
                Err(StoreError::OutcomeUnknown { .. }) => doubtful = true,
                Err(other) => panic!("{other:?}"),
            }
            told = Told::Nothing;
        }
        if !matches!(told, Told::Stored(_)) {
            groups.push(records(&appends, |_| told));
        }
    }
    groups
}

/// Appends within transactions of its own, on a connection that may be killed; all of one transaction is a group.
pub(super) async fn within(
    url: String,
    store: PostgresStore,
    mut random: Random,
    end: Instant,
    happened: Arc<Happened>,
) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut versions = HashMap::new();
    'connections: while Instant::now() < end {
        let mut connection = PgConnection::connect(&url).await.expect("the database is there");
        while Instant::now() < end {
            let level =
                ["read committed", "repeatable read", "serializable"][usize::try_from(random.below(3)).unwrap_or(0)];
            let begin = AssertSqlSafe(format!("begin transaction isolation level {level}"));
            let Ok(mut transaction) = connection.begin_with(begin).await else { continue 'connections };
            let appends = requests(&mut random, &versions);
            // One by one in any order, or all of them at once.
            let answer = if random.below(2) == 0 {
                store.append_all_in(&mut transaction, appends.clone()).await
            } else {
                let mut answers = Ok(Vec::new());
                for append in &appends {
                    let answer = store.append_in(&mut transaction, append.clone()).await;
                    answers = answers.and_then(|mut answers: Vec<_>| {
                        answers.push(answer?);
                        Ok(answers)
                    });
                    if answers.is_err() {
                        break;
                    }
                }
                answers
            };
            let commit = random.below(4) > 0;
            match answer {
                Ok(answers) if commit => {
                    sleep(Duration::from_millis(random.below(3) * 5)).await;
                    let told = match transaction.commit().await {
                        Ok(()) => Some(true),
                        // 40001: a serialization failure. Otherwise the connection died, before the commit or behind it.
                        Err(error) => {
                            let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
                            (code.as_deref() == Some("40001")).then_some(false)
                        }
                    };
                    match told {
                        Some(true) => {
                            one_more(&happened.within);
                            learn(&mut versions, &appends, &answers);
                            groups.push(records(&appends, |number| Told::Stored(first(&answers[number]))));
                        }
                        Some(false) => groups.push(records(&appends, |_| Told::NotStored)),
                        None => {
                            groups.push(records(&appends, |_| Told::Nothing));
                            continue 'connections;
                        }
                    }
                    continue;
                }
                Ok(_) | Err(StoreError::Backend { .. }) => {}
                Err(StoreError::Conflict(conflict)) => {
                    versions.insert(conflict.stream.id().to_owned(), conflict.actual.get());
                }
                Err(StoreError::RetryTransaction { .. }) => one_more(&happened.retried),
                Err(StoreError::Unavailable(_)) => {
                    groups.push(records(&appends, |_| Told::NotStored));
                    continue 'connections;
                }
                Err(other) => panic!("{other:?}"),
            }
            groups.push(records(&appends, |_| Told::NotStored));
            if transaction.rollback().await.is_err() {
                continue 'connections;
            }
        }
    }
    groups
}

/// Of each group all is there, or nothing.
pub(super) fn audit(groups: &[Group], stored: &HashSet<EventId>) {
    for group in groups {
        let found = group.iter().flat_map(|record| &record.ids).filter(|id| stored.contains(id)).count();
        let all = group.iter().map(|record| record.ids.len()).sum::<usize>();
        assert!(found == 0 || found == all, "{found} of {all} events that were to be stored together: {group:?}");
    }
}
