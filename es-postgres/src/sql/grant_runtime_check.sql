-- Whether the role $1 owns the tables, or may become who does, and whether we do. No row where there is no such role.
select pg_has_role(roles.oid, tables.relowner, 'member'), pg_has_role(tables.relowner, 'usage')
from pg_roles as roles, pg_class as tables
where roles.rolname = $1::text::name and roles.rolname = $1::text and tables.oid = '"es".events'::regclass
