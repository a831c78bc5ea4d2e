//! Appends as the parameters of a statement: one as `sql/append.sql` takes it, many as `sql/append_many.sql` does, and those of
//! one event each as `sql/append_one.sql` and `sql/append_ones.sql` do.

use sqlx::{Postgres, SqlStr, postgres::PgArguments, query::Query};
use uuid::Uuid;

use crate::{append::Prepared, statements::Statements};

/// The parameters of a batch, column by column.
pub(crate) struct Columns<'a> {
    stream_types: Vec<&'a str>,
    stream_ids: Vec<&'a str>,
    lowest: Vec<i64>,
    highest: Vec<i64>,
    keys: Vec<Option<&'a str>>,
    sizes: Vec<i32>,
    numbers: Vec<i64>,
    places: Vec<i64>,
    ids: Vec<Uuid>,
    types: Vec<&'a str>,
    schema_versions: Vec<i32>,
    payloads: Vec<&'a str>,
    metadata: Vec<&'a str>,
    patience: String,
}

impl<'a> Columns<'a> {
    pub(crate) fn of(appends: impl Iterator<Item = &'a Prepared>, patience: String) -> Self {
        let mut columns = Self {
            stream_types: Vec::new(),
            stream_ids: Vec::new(),
            lowest: Vec::new(),
            highest: Vec::new(),
            keys: Vec::new(),
            sizes: Vec::new(),
            numbers: Vec::new(),
            places: Vec::new(),
            ids: Vec::new(),
            types: Vec::new(),
            schema_versions: Vec::new(),
            payloads: Vec::new(),
            metadata: Vec::new(),
            patience,
        };
        for (number, prepared) in (1..).zip(appends) {
            columns.add(number, prepared);
        }
        columns
    }

    fn add(&mut self, number: i64, prepared: &'a Prepared) {
        let append = &prepared.append;
        let (lowest, highest) = prepared.versions();
        self.stream_types.push(append.stream.stream_type());
        self.stream_ids.push(append.stream.id());
        self.lowest.push(lowest);
        self.highest.push(highest);
        self.keys.push(prepared.key.as_deref());
        self.sizes.push(i32::try_from(append.events.len()).unwrap_or(i32::MAX));
        for (place, event) in (1..).zip(&append.events) {
            self.numbers.push(number);
            self.places.push(place);
            self.types.push(event.schema.name);
            self.schema_versions.push(i32::try_from(event.schema.version).unwrap_or(i32::MAX));
            self.payloads.push(&event.payload);
        }
        self.ids.extend(prepared.ids());
        self.metadata.extend(prepared.metadata.iter().map(String::as_str));
    }

    /// The statement that stores what fits of these, and says nothing of what does not; `None` where they are not of one
    /// event each, to a stream each.
    pub(crate) fn query_hopeful(&self, statements: &Statements) -> Option<Query<'_, Postgres, PgArguments>> {
        if self.ids.len() != self.stream_ids.len() || self.has_chains() {
            return None;
        }
        let [event_id] = &self.ids[..] else {
            let query = sqlx::query(statements.append_ones.clone())
                .bind(&self.stream_types)
                .bind(&self.stream_ids)
                .bind(&self.lowest)
                .bind(&self.highest)
                .bind(&self.keys)
                .bind(&self.ids)
                .bind(&self.types)
                .bind(&self.schema_versions)
                .bind(&self.payloads)
                .bind(&self.metadata)
                .bind(&self.patience);
            return Some(query);
        };
        let query = sqlx::query(statements.append_one.clone())
            .bind(self.stream_types[0])
            .bind(self.stream_ids[0])
            .bind(self.lowest[0])
            .bind(self.highest[0])
            .bind(self.keys[0])
            .bind(event_id)
            .bind(self.types[0])
            .bind(self.schema_versions[0])
            .bind(self.payloads[0])
            .bind(self.metadata[0])
            .bind(&self.patience);
        Some(query)
    }

    /// The statement that stores these. One append alone takes the simpler one: half of its work is done by the parser.
    pub(crate) fn query(&self, statements: &Statements) -> Query<'_, Postgres, PgArguments> {
        if self.stream_ids.len() == 1 {
            return sqlx::query(statements.append.clone())
                .bind(self.stream_types[0])
                .bind(self.stream_ids[0])
                .bind(self.lowest[0])
                .bind(self.highest[0])
                .bind(self.keys[0])
                .bind(&self.ids)
                .bind(&self.types)
                .bind(&self.schema_versions)
                .bind(&self.payloads)
                .bind(&self.metadata)
                .bind(&self.patience);
        }
        let statement = if self.has_chains() { &statements.append_chained } else { &statements.append_many };
        self.many(statement.clone()).bind(&self.patience)
    }

    /// The statement that stores all of these or none, with a patience of its own or the session's.
    pub(crate) fn query_all<'q>(
        &'q self,
        statements: &Statements,
        patience: Option<&'q str>,
    ) -> Query<'q, Postgres, PgArguments> {
        self.many(statements.append_all.clone()).bind(patience)
    }

    /// Whether two of these are of one stream; they stand in the order of the streams.
    fn has_chains(&self) -> bool {
        let stream = |at: usize| (self.stream_ids[at], self.stream_types[at]);
        (1..self.stream_ids.len()).any(|at| stream(at - 1) == stream(at))
    }

    fn many(&self, statement: SqlStr) -> Query<'_, Postgres, PgArguments> {
        sqlx::query(statement)
            .bind(&self.stream_types)
            .bind(&self.stream_ids)
            .bind(&self.lowest)
            .bind(&self.highest)
            .bind(&self.keys)
            .bind(&self.sizes)
            .bind(&self.numbers)
            .bind(&self.places)
            .bind(&self.ids)
            .bind(&self.types)
            .bind(&self.schema_versions)
            .bind(&self.payloads)
            .bind(&self.metadata)
    }
}
