-- Handlers of projections: what they handle is kept, and none of them commits a batch.

alter table "es".projection_versions
    -- The stored names of the events that it handles, so that a handler is not added of which events have been passed already;
    -- and where it began. Nothing where a program from before has made it: the next that makes it ready says so.
    add column events text[],
    add column began  bigint not null default 0 check (began >= 0);

-- A batch moves its checkpoint first. A handler that commits in the midst of it would leave the checkpoint behind events that
-- were not taken in: so the end of a transaction that is a batch is refused, unless the engine itself has said that it is here.
create function "es".refuse_end_of_batch() returns trigger language plpgsql as $$
begin
    if current_setting('es.batch_end', true) is distinct from current_setting('es.batch', true) then
        raise exception 'a handler has ended the transaction of its batch; leave `commit` and `rollback` to the engine'
            using errcode = 'ES003';
    end if;
    return null;
end
$$;

create constraint trigger projection_shards_end_of_batch after update on "es".projection_shards
    deferrable initially deferred for each row
    when (coalesce(current_setting('es.batch', true), '') <> '')
    execute function "es".refuse_end_of_batch();
