-- Read models whose rows change in the transaction of the append itself.

-- Changed only by whoever has called `place_inline_guard` in the same transaction: nobody appends meanwhile.
create table "es".inline_read_models (
    name    text    collate "C" not null,
    version integer not null,
    -- The stored names of the events that it handles.
    events  text[]  not null,
    primary key (name, version),
    -- Not removed with the version: its guard would stay, and refuse every append.
    foreign key (name, version) references "es".projection_versions
);

alter table "es".projection_shards drop constraint projection_shards_activity_check;
alter table "es".projection_shards add constraint projection_shards_activity_check
    check (activity in ('running', 'paused', 'stopped', 'inline'));

-- The guard: refuses events that such a read model handles from a transaction that does not say that it changes its rows.
--
-- What it guards is in its arguments, pairs of `name@version` and event types, and not in a table: the catalogue is seen as
-- it is now also by a transaction whose view of the data is older.
create function "es".refuse_unless_inline() returns trigger language plpgsql as $$
declare
    said text[] := string_to_array(coalesce(current_setting('es.inline', true), ''), ',');
begin
    for number in 0 .. tg_nargs / 2 - 1 loop
        if not tg_argv[2 * number] = any(said) and exists (
            select from stored where event_type = any(tg_argv[2 * number + 1]::text[])
        ) then
            raise exception 'the rows of the read model % are to change with this append', tg_argv[2 * number]
                using errcode = 'ES002', constraint = tg_argv[2 * number],
                      hint = 'Append through a store that has it as an inline read model.';
        end if;
    end loop;
    return null;
end
$$;

-- Lets no append pass until the transaction ends, and puts up the guard that is due at this point: for what is listed, as
-- this transaction leaves it. Where nothing ever was listed there is no trigger, which would cost each append something
-- even when disabled.
--
-- Runs as the owner of the tables, so that an engine can call it that has fewer rights. What it does is determined by the
-- list alone. The lock comes first: what others have changed in the list is there once it is had.
create function "es".place_inline_guard() returns void language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
    guarded text;
begin
    lock table "es".events in share row exclusive mode;
    select string_agg(quote_literal(name || '@' || version) || ', ' || quote_literal(events::text), ', ' order by name, version)
    into guarded from "es".inline_read_models;
    if guarded is not null then
        execute 'create or replace trigger events_inline_guard after insert on '
            || '"es".events referencing new table as stored for each statement execute function '
            || '"es".refuse_unless_inline(' || guarded || ')';
        alter table "es".events enable trigger events_inline_guard;
    elsif exists (select from pg_trigger where tgrelid = '"es".events'::regclass and tgname = 'events_inline_guard') then
        alter table "es".events disable trigger events_inline_guard;
    end if;
end
$$;

revoke all on function "es".place_inline_guard() from public;
