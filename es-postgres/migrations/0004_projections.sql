-- Projections: what runs, how far each shard has come and whose it is, and the events that were set aside.

create table "es".projections (
    name   text    collate "C" primary key,
    kind   text    collate "C" not null,
    -- The version that readers see: the views of read models look here. It only rises.
    active integer not null,
    -- The version that it began with, and the newest that there ever was: an older one is not made anew.
    oldest integer not null,
    newest integer not null
);

create table "es".projection_versions (
    name    text    collate "C" not null references "es".projections,
    version integer not null check (version > 0),
    -- Of a read model: what its table was made of.
    columns jsonb,
    primary key (name, version)
);

-- Few rows, each changed with each batch: most of a page is left free, so that an update stays on it and no index changes.
create table "es".projection_shards (
    name       text        collate "C" not null,
    version    integer     not null,
    shard      integer     not null check (shard >= 0),
    -- All events up to here have been taken in.
    position   bigint      not null check (position >= 0),
    -- Of the last claim; who holds an older one is refused.
    epoch      bigint      not null default 0,
    engine     uuid,
    label      text,
    expires_at timestamptz,
    activity   text        collate "C" not null default 'running' check (activity in ('running', 'paused', 'stopped')),
    failure    jsonb,
    applied    bigint      not null default 0,
    -- Counted here, so that nobody counts dead letters at each look.
    parked     bigint      not null default 0,
    skipped    bigint      not null default 0,
    redrive    boolean     not null default false,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (name, version, shard),
    foreign key (name, version) references "es".projection_versions on delete cascade
) with (fillfactor = 10);

create table "es".projection_engines (
    engine     uuid        primary key,
    label      text        not null,
    expires_at timestamptz not null,
    -- What it runs: names, and the version of each.
    names      text[]      not null,
    versions   integer[]   not null
) with (fillfactor = 10);

create table "es".dead_letters (
    name         text        collate "C" not null,
    version      integer     not null,
    shard        integer     not null,
    key          text        collate "C" not null,
    position     bigint      not null,
    skipped      boolean     not null,
    failure      jsonb       not null,
    set_aside_at timestamptz not null default clock_timestamp(),
    -- An event with several keys may be set aside for some of them.
    primary key (name, version, position, shard, key)
);

create index dead_letters_parked on "es".dead_letters (name, version, shard, key, position) where not skipped;

-- Called by the view of a read model for whoever reads in an older view of the data than the one in which the older
-- versions were still there: their tables are gone, and nothing else would be right.
create function "es".refuse_old_snapshot(name text) returns boolean language plpgsql volatile as $$
begin
    raise exception 'the read model % was switched to a newer version after this transaction had begun', name
        using errcode = 'serialization_failure', hint = 'Run the transaction again.';
end
$$;
