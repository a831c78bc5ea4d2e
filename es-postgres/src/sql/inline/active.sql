-- Which read models change with appends. Asked under a lock with which the list cannot change.
-- Index: inline_read_models_pkey.
select name, version from "es".inline_read_models order by name, version
