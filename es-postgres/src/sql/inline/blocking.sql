-- A read model that changes with appends of any of these events, if there is one.
--
-- $1 event types. It has few rows.
select name || '@' || version from "es".inline_read_models where events && $1::text[] order by name, version limit 1
