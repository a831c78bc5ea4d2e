-- Keeps a snapshot, unless a newer one is there. One of the same version replaces one of another structure.
-- $1 stream type, $2 stream id, $3 version, $4 position, $5 fingerprint, $6 state. Index: snapshots_pkey.
insert into "es".snapshots as kept (stream_type, stream_id, version, position, fingerprint, state)
values ($1, $2, $3, $4, $5, $6::jsonb)
on conflict (stream_type, stream_id) do update
set version = excluded.version, position = excluded.position, fingerprint = excluded.fingerprint,
    state = excluded.state, taken_at = clock_timestamp()
where excluded.version > kept.version
   or (excluded.version = kept.version and excluded.fingerprint <> kept.fingerprint)
