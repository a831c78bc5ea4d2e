-- Keeps a snapshot unless a newer one is there, or the file has another history. One of the same version replaces one of
-- another structure.
-- ?1 stream type, ?2 stream id, ?3 version, ?4 position, ?5 fingerprint, ?6 state, ?7 history or null.
insert into es_snapshots as kept (stream_type, stream_id, version, position, fingerprint, state)
select ?1, ?2, ?3, ?4, ?5, ?6
where ?7 is null or ?7 = (select id from es_history)
on conflict (stream_type, stream_id) do update
set version = excluded.version, position = excluded.position, fingerprint = excluded.fingerprint, state = excluded.state
where excluded.version > kept.version
   or (excluded.version = kept.version and excluded.fingerprint <> kept.fingerprint)
