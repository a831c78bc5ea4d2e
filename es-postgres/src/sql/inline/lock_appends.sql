-- Takes the lock of an append, and inserts nothing.
insert into "es".events (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata)
select '', '', 1, '', 1, gen_random_uuid(), '{}', '{}' where false
