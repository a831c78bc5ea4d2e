-- Copies: how far this store has been made a copy of another, and the functions by which it becomes one.

-- One row, changed together with the events that it tells of.
create table "es".copies (
    only_one        boolean     primary key default true check (only_one),
    -- The last event that was copied: where it stands in the source, and here.
    source_history  uuid        not null,
    source_position bigint      not null check (source_position > 0),
    event_id        uuid        not null,
    target_position bigint      not null check (target_position > 0),
    -- How many events were copied in all, and the hash of all of them.
    events          bigint      not null check (events > 0),
    hash            bytea       not null check (length(hash) = 32),
    updated_at      timestamptz not null default clock_timestamp()
) with (fillfactor = 10);

-- Stores a batch of a copy and how far it has come with it, or says why not.
--
-- Runs as the owner of the tables: a role that only runs may not say when an event was recorded. Through this it may, as long
-- as there is nothing in the store but what was copied; from the first append on nobody may.
--
-- The lock comes first. Nobody appends beside a copy, not even in a transaction that is still open, and what this sees
-- afterwards is all there is. The insert takes its own lock beside it, by which readers see a writer as always.
--
-- Answers one row: the position of the last event, or that the copy has come elsewhere than the caller knows, or an event
-- behind those that were copied. Index: events_pkey.
create function "es".import_events(
    known_history uuid, known_events bigint, known_hash bytea,
    new_history uuid, new_source bigint, new_events bigint, new_hash bytea,
    stream_types text[], stream_ids text[], versions bigint[], event_types text[], schema_versions integer[],
    event_ids uuid[], times timestamptz[], keys text[], sizes integer[], payloads text[], metadatas text[],
    out target bigint, out moved boolean,
    out foreign_type text, out foreign_id text, out foreign_version bigint, out foreign_position bigint
) language plpgsql security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '10s' as $$
declare
    known "es".copies%rowtype;
begin
    lock table "es".events in share row exclusive mode;
    select * into known from "es".copies;
    moved := (known.source_history, known.events, known.hash) is distinct from (known_history, known_events, known_hash);
    if moved then
        return;
    end if;
    select event.stream_type, event.stream_id, event.version, event.position
    into foreign_type, foreign_id, foreign_version, foreign_position
    from "es".events as event
    where event.position > coalesce(known.target_position, 0)
    order by event.position
    limit 1;
    if found then
        return;
    end if;
    insert into "es".events
        (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata, recorded_at,
         idempotency_key, append_size)
    select new.stream_type, new.stream_id, new.version, new.event_type, new.schema_version, new.event_id,
           new.payload::jsonb, new.metadata::jsonb, new.recorded_at, new.idempotency_key, new.append_size
    from unnest(stream_types, stream_ids, versions, event_types, schema_versions, event_ids, payloads, metadatas, times,
                keys, sizes) with ordinality
        as new (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata, recorded_at,
                idempotency_key, append_size, ordinal)
    -- Positions are drawn in the order of the source, whatever plan is chosen.
    order by new.ordinal;
    select max(event.position) into target from "es".events as event;
    insert into "es".copies as copy
        (source_history, source_position, event_id, target_position, events, hash)
    values (new_history, new_source, event_ids[cardinality(event_ids)], target, new_events, new_hash)
    on conflict (only_one) do update
    set source_history = excluded.source_history, source_position = excluded.source_position, event_id = excluded.event_id,
        target_position = excluded.target_position, events = excluded.events, hash = excluded.hash,
        updated_at = clock_timestamp();
end
$$;

-- Archives streams of a copy at the times given, and puts those without a time back into use. Answers whether the copy has
-- come where the caller knows; where not, nothing is changed. Indexes: copies_pkey, archived_streams_pkey.
create function "es".import_archived(
    known_history uuid, known_events bigint, known_hash bytea,
    stream_types text[], stream_ids text[], times timestamptz[]
) returns boolean language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
    perform from "es".copies
    where (source_history, events, hash) = (known_history, known_events, known_hash)
    for update;
    if not found then
        return false;
    end if;
    delete from "es".archived_streams as archived
    using unnest(stream_types, stream_ids) as change (stream_type, stream_id)
    where archived.stream_type = change.stream_type and archived.stream_id = change.stream_id;
    insert into "es".archived_streams (stream_type, stream_id, archived_at)
    select change.stream_type, change.stream_id, change.archived_at
    from unnest(stream_types, stream_ids, times) as change (stream_type, stream_id, archived_at)
    where change.archived_at is not null;
    return true;
end
$$;

revoke all on function "es".import_events(uuid, bigint, bytea, uuid, bigint, bigint, bytea, text[], text[], bigint[], text[],
    integer[], uuid[], timestamptz[], text[], integer[], text[], text[]) from public;
revoke all on function "es".import_archived(uuid, bigint, bytea, text[], text[], timestamptz[]) from public;
