-- Events and snapshots.
--
-- All names that are compared or sorted are COLLATE "C": their order is that of their bytes on every machine, and an
-- upgrade of the system's collations cannot break an index.

create table "es".events (
    -- Drawn by the insert itself, one by one (CACHE 1): the frontier's proof rests on it. Nobody overrides it.
    position        bigint      generated always as identity primary key,
    stream_type     text        collate "C" not null,
    stream_id       text        collate "C" not null,
    version         bigint      not null check (version > 0),
    event_type      text        collate "C" not null,
    schema_version  integer     not null check (schema_version > 0),
    event_id        uuid        not null,
    payload         jsonb       not null,
    metadata        jsonb       not null,
    -- clock_timestamp, not now: time within a stream must not run backwards because a transaction began early.
    recorded_at     timestamptz not null default clock_timestamp(),
    -- Both stand on the first event of an append only: the name of the append and how many events it stored.
    idempotency_key text        collate "C",
    append_size     integer,
    constraint events_stream_version unique (stream_type, stream_id, version)
);

create unique index events_idempotency_key on "es".events (stream_type, stream_id, idempotency_key)
    where idempotency_key is not null;

-- The table only grows, so it is vacuumed by what is inserted, and sooner than by default, where a fifth of it must be
-- new.
alter table "es".events set (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_insert_threshold = 100000);

create table "es".snapshots (
    stream_type text        collate "C" not null,
    stream_id   text        collate "C" not null,
    version     bigint      not null,
    position    bigint      not null,
    fingerprint text        collate "C" not null,
    state       jsonb       not null,
    taken_at    timestamptz not null default clock_timestamp(),
    primary key (stream_type, stream_id)
);

-- Events are facts. That they never change is the database's rule, whoever is connected.
create function "es".refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% on the events of an event store is refused: events are only ever appended', tg_op
        using errcode = 'ES001',
              hint = 'To correct a fact, append an event that says so.';
end
$$;

create trigger events_are_append_only before update or delete or truncate on "es".events
    for each statement execute function "es".refuse_change();
