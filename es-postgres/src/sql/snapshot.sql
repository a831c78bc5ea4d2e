-- Keeps snapshots, each unless a newer one is there. One of the same version replaces one of another structure.
--
-- One of each per snapshot, of different streams, in the order of their names, so that two of these statements never wait
-- for each other: $1 stream types, $2 stream ids, $3 versions, $4 positions, $5 fingerprints, $6 states.
--
-- No one waits for the disk: a snapshot that a crash loses is made again. The events that it was made of were there before.
-- Index: snapshots_pkey.
with in_no_hurry as materialized (
    select set_config('synchronous_commit', 'off', true)
)
insert into "es".snapshots as kept (stream_type, stream_id, version, position, fingerprint, state)
select new.stream_type, new.stream_id, new.version, new.position, new.fingerprint, new.state::jsonb
from in_no_hurry,
     unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[])
         with ordinality as new (stream_type, stream_id, version, position, fingerprint, state, number)
order by new.number
on conflict (stream_type, stream_id) do update
set version = excluded.version, position = excluded.position, fingerprint = excluded.fingerprint,
    state = excluded.state, taken_at = clock_timestamp()
where excluded.version > kept.version
   or (excluded.version = kept.version and excluded.fingerprint <> kept.fingerprint)
