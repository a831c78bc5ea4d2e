-- What of the tables differs from the events that their shards have taken in, all in one view of the data, whoever writes
-- meanwhile. One row for each kind of difference that there is.
with taken as (
    select events.stream_id as account, events.version, events.position, shards.name, shards.shard,
           (events.payload ->> 'amount')::bigint as amount
    from es.events
    join accounts on accounts.id = events.stream_id
    join es.projection_shards as shards
      on (shards.name, shards.shard) in (('balances', balances), ('journal', journal), ('tasting', tasting))
     and events.position <= shards.position
), parked as (
    select key as account, position from es.dead_letters where name = 'tasting'
), folded as (
    select account, count(*) as events, sum(amount) as total from taken where name = 'balances' group by account
), tasted as (
    select taken.account, version, taken.position, parked.position as parked
    from taken left join parked on parked.position = taken.position
    where name = 'tasting'
), differences as (
    select 'the read model differs from a fold' as what, coalesce(folded.account, rows.id) as account,
           format('%s, %s; %s, %s', folded.events, folded.total, rows.events, rows.total) as which
    from folded full join balances as rows on rows.id = folded.account
    where folded.events is distinct from rows.events or folded.total is distinct from rows.total
    union all
    select 'the read model was folded out of order', id, disorder::text from balances where disorder <> 0
    union all
    select 'the journal differs from what was taken in', account,
           format('%s; %s, %s', version, taken.position, journal.position)
    from (select * from taken where name = 'journal') as taken full join journal using (account, version)
    where taken.position is distinct from journal.position
    union all
    select 'the journal is out of order', account, version::text
    from (select account, version, row_number() over (partition by account order by number) as place from journal) as ordered
    where version <> place
    union all
    select 'what was tasted or parked differs from what was taken in', account,
           format('%s; %s, %s, %s', version, tasted.position, tasting.position, tasted.parked)
    from tasted full join tasting using (account, version)
    where (tasted.parked is null and tasted.position is distinct from tasting.position)
       or (tasted.parked is not null and tasting.position is not null)
    union all
    select 'it was tasted out of order', account, version::text
    from (select account, version, row_number() over (partition by account order by number) as place from tasting) as ordered
    where version <> place
    union all
    select 'a shard has stopped', name, failure::text from es.projection_shards where activity <> 'running'
)
select what, account, which from differences order by what, account limit 5
