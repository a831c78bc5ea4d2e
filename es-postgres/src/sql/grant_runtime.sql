-- What a program needs that appends and reads, and nothing that changes or removes what is stored. Run by the owner of
-- the tables; `"es_app"` stands for the role. What it had before on these tables is taken away first.
revoke all on schema "es" from "es_app";
revoke all on "es".migrations, "es".events, "es".frontier, "es".snapshots, "es".archived_streams from "es_app";
revoke all on "es".projections, "es".projection_versions, "es".projection_shards, "es".projection_engines,
              "es".dead_letters, "es".inline_read_models from "es_app";
revoke all on "es".copies from "es_app";
revoke all on sequence "es".events_position_seq from "es_app";

grant usage on schema "es" to "es_app";
grant select on "es".migrations, "es".events, "es".frontier, "es".snapshots, "es".archived_streams to "es_app";
-- To see at the start that it was not set back; drawing from it or setting it are other rights.
grant select on sequence "es".events_position_seq to "es_app";
-- All columns but `position`, which nobody chooses, and `recorded_at`, which is the server's time. The identity column
-- draws from its sequence without any right to it.
grant insert (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata,
              idempotency_key, append_size)
    on "es".events to "es_app";
grant insert, update on "es".frontier, "es".snapshots to "es_app";
grant insert, delete on "es".archived_streams to "es_app";
-- Checkpoints, claims and what was set aside. Where the role may make tables, it may remove versions of its own.
grant select, insert, update on "es".projections to "es_app";
grant select, insert, update, delete on "es".projection_versions, "es".projection_shards, "es".projection_engines,
                                        "es".dead_letters to "es_app";
-- An engine has read models change with the appends; the guard is put up by a function of the owner's.
grant select, insert, delete on "es".inline_read_models to "es_app";
grant execute on function "es".place_inline_guard() to "es_app";
-- To copy another store into this one. The functions store nothing but a copy, and only where there is nothing else.
grant select on "es".copies to "es_app";
grant execute on function "es".import_events(uuid, bigint, bytea, uuid, bigint, bigint, bytea, text[], text[], bigint[], text[],
    integer[], uuid[], timestamptz[], text[], integer[], text[], text[]) to "es_app";
grant execute on function "es".import_archived(uuid, bigint, bytea, text[], text[], timestamptz[]) to "es_app";
