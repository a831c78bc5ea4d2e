-- Events, snapshots, archived streams, and which history this is.
--
-- SQLite has no schemas: all names begin with `es_`. Texts compare byte by byte, as they do by default.

create table es_history (
    id text not null
) strict;

create table es_events (
    -- Given out by the writer, one by one: SQLite has one writer at a time, so they rise as transactions commit.
    position        integer primary key,
    stream_type     text    not null,
    stream_id       text    not null,
    version         integer not null check (version > 0),
    event_type      text    not null,
    schema_version  integer not null check (schema_version > 0),
    event_id        blob    not null check (length(event_id) = 16),
    payload         text    not null,
    metadata        text    not null,
    -- Microseconds since 1970, in UTC. It never runs backwards from one event to the next.
    recorded_at     integer not null,
    -- Both stand on the first event of an append only: the name of the append, where it has one, and how many events it stored.
    idempotency_key text,
    append_size     integer,
    unique (stream_type, stream_id, version)
) strict;

create unique index es_events_idempotency_key on es_events (stream_type, stream_id, idempotency_key)
    where idempotency_key is not null;

create table es_snapshots (
    stream_type text    not null,
    stream_id   text    not null,
    version     integer not null,
    position    integer not null,
    fingerprint text    not null,
    state       text    not null,
    primary key (stream_type, stream_id)
) strict, without rowid;

-- Streams that are out of use. Their events stay where they are: only appends, loads and lists look in here.
create table es_archived_streams (
    stream_type text    not null,
    stream_id   text    not null,
    archived_at integer not null,
    primary key (stream_type, stream_id)
) strict, without rowid;

-- Events are facts. That they never change is the database's rule, whoever has opened the file.
create trigger es_events_are_not_updated before update on es_events begin
    select raise(abort, 'an update of the events of an event store is refused: events are only ever appended; to correct a fact, append an event that says so');
end;

create trigger es_events_are_not_deleted before delete on es_events begin
    select raise(abort, 'a delete of the events of an event store is refused: events are only ever appended; to correct a fact, append an event that says so');
end;
