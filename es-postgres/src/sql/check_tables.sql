-- Whether positions are given out as the frontier's proof needs it. One row. Index: events_pkey.
--
-- The last value of the sequence is null where the role may not see it, as one that only runs need not, and where it has
-- given out nothing since it was set.
select sequence.seqcache, sequence.seqincrement, sequence.seqcycle,
       sequence_class.relpersistence = 'p' and events.relpersistence = 'p' as logged,
       column_.attidentity = 'a' as always,
       case when has_sequence_privilege(sequence.seqrelid, 'SELECT') or has_sequence_privilege(sequence.seqrelid, 'USAGE')
           then pg_sequence_last_value(sequence.seqrelid)
       end as last_value,
       (select coalesce(max(position), 0) from "es".events) as highest,
       (select position from "es".frontier) as stored,
       (select history from "es".frontier) as stored_history,
       pg_get_serial_sequence('"es".events', 'position') as name,
       exists (select from pg_subscription_rel where srrelid = events.oid) as subscribed
from pg_class as events
join pg_attribute as column_ on column_.attrelid = events.oid and column_.attname = 'position'
left join pg_sequence as sequence on sequence.seqrelid = pg_get_serial_sequence('"es".events', 'position')::regclass
left join pg_class as sequence_class on sequence_class.oid = sequence.seqrelid
where events.oid = '"es".events'::regclass
