-- Projections: what runs, how far each shard has come and whose it is, and the events that were set aside.
-- All times are microseconds since 1970, in UTC, by the clock of the machine.

create table es_projections (
    name   text    primary key not null,
    kind   text    not null,
    -- The version that readers see. It only rises.
    active integer not null,
    -- The newest that there ever was: an older one is not made anew.
    newest integer not null
) strict, without rowid;

create table es_projection_versions (
    name    text    not null references es_projections,
    version integer not null check (version > 0),
    -- Of a read model: what its table was made of, as JSON.
    columns text,
    -- The stored names of the events that it handles, as a JSON array, so that a handler is not added of which events have been
    -- passed already; and where it began.
    events  text    not null,
    began   integer not null check (began >= 0),
    primary key (name, version)
) strict, without rowid;

create table es_projection_shards (
    name       text    not null,
    version    integer not null,
    shard      integer not null check (shard >= 0),
    -- All events up to here have been taken in.
    position   integer not null check (position >= 0),
    -- Of the last claim; who holds an older one is refused.
    epoch      integer not null default 0,
    engine     text,
    label      text,
    expires_at integer,
    activity   text    not null default 'running' check (activity in ('running', 'paused', 'stopped', 'inline')),
    failure    text,
    applied    integer not null default 0,
    -- Counted here, so that nobody counts dead letters at each look.
    parked     integer not null default 0,
    skipped    integer not null default 0,
    -- The number of the last wish to try parked events again, and of the last that was fulfilled.
    redrive_wished integer not null default 0,
    redrive_done   integer not null default 0,
    updated_at integer not null,
    primary key (name, version, shard),
    foreign key (name, version) references es_projection_versions on delete cascade
) strict, without rowid;

create table es_projection_engines (
    engine      text    primary key not null,
    label       text    not null,
    expires_at  integer not null,
    -- What it runs: a JSON array of pairs of name and version.
    projections text    not null
) strict, without rowid;

create table es_dead_letters (
    name         text    not null,
    version      integer not null,
    shard        integer not null,
    key          text    not null,
    position     integer not null,
    skipped      integer not null check (skipped in (0, 1)),
    failure      text    not null,
    set_aside_at integer not null,
    -- An event with several keys may be set aside for some of them.
    primary key (name, version, position, shard, key)
) strict, without rowid;

create index es_dead_letters_parked on es_dead_letters (name, version, shard, key, position) where skipped = 0;

-- Read models whose rows change in the transaction of the append itself.
create table es_inline_read_models (
    name    text    not null,
    version integer not null,
    -- The stored names of the events that it handles, as a JSON array.
    events  text    not null,
    primary key (name, version),
    foreign key (name, version) references es_projection_versions
) strict, without rowid;
