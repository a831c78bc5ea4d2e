-- How far the order of all events was settled when it was stored, in which history, and whether that was in this very
-- table: of this cluster, not a copy that was loaded into another. One row always. Index: none, the table has one row.
select pg_is_in_recovery(), stored.position, stored.history, stored.origin = here.origin
from (select concat_ws('/',
        (select system_identifier from pg_control_system()),
        (select oid from pg_database where datname = current_database()),
        '"es".events'::regclass::oid) as origin) as here
left join "es".frontier as stored on true
