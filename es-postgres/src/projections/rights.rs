//! Rights on the tables of read models: whoever may run projections may write them.

use es_core::{projection::TableSchema, store::StoreError};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Row as _};

use super::sql::{identifier, qualified};
use crate::{error, store::Parts};

fn failed(source: sqlx::Error) -> StoreError {
    error::store_error("granting rights", error::failure(source))
}

/// The roles that may move checkpoints, but for us.
pub(super) async fn roles_that_run(parts: &Parts, connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    let sql = parts.statements.fill(
        "select distinct roles.rolname::text from pg_class, aclexplode(relacl) as rights
         join pg_roles as roles on roles.oid = rights.grantee
         where pg_class.oid = '\"es\".projection_shards'::regclass and rights.privilege_type = 'UPDATE'
           and rights.grantee <> relowner and roles.rolname <> current_user
         order by 1",
    );
    sqlx::query_scalar(sql).fetch_all(connection).await
}

/// The right of a role to write a table, and to read a view.
pub(super) fn grants(schema: &str, tables: &[String], views: &[String], role: &str) -> String {
    let role = identifier(role);
    let on = |names: &[String]| names.iter().map(|name| qualified(schema, name)).collect::<Vec<_>>().join(", ");
    let tables = match tables {
        [] => String::new(),
        tables => {
            let tables = on(tables);
            format!("revoke all on {tables} from {role}; grant select, insert, update, delete on {tables} to {role}; ")
        }
    };
    let views = if views.is_empty() { String::new() } else { format!("grant select on {} to {role}; ", on(views)) };
    tables + &views
}

/// The right to use the schema of read models, where the role does not have it and somebody here may give it.
pub(super) async fn grant_schema(connection: &mut PgConnection, schema: &str, role: &str) -> Result<(), sqlx::Error> {
    let wanted: Option<bool> =
        sqlx::query_scalar("select not has_schema_privilege($2, oid, 'usage') from pg_namespace where nspname = $1")
            .bind(schema)
            .bind(role)
            .fetch_optional(&mut *connection)
            .await?;
    if wanted == Some(true) {
        let sql = format!("grant usage on schema {} to {}", identifier(schema), identifier(role));
        connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    }
    Ok(())
}

/// Gives a role its rights on all read models that are there and ours.
pub(crate) async fn grant_read_models(
    parts: &Parts,
    connection: &mut PgConnection,
    role: &str,
) -> Result<(), StoreError> {
    let schema = parts.config.read_model_schema.as_str();
    let known = parts
        .statements
        .fill("select name, version from \"es\".projection_versions where columns is not null order by name, version");
    let rows = sqlx::query(known).fetch_all(&mut *connection).await.map_err(failed)?;
    let (mut tables, mut views) = (Vec::new(), Vec::new());
    for row in &rows {
        let name: String = row.try_get(0).map_err(failed)?;
        let version: i32 = row.try_get(1).map_err(failed)?;
        tables.push(TableSchema::physical_name(&name, super::sql::natural(version)));
        views.push(name);
    }
    let ours = "select relname::text from pg_class join pg_namespace on pg_namespace.oid = relnamespace
                where nspname = $1 and relname = any($2::text[]) and pg_has_role(relowner, 'usage')
                order by 1";
    let mut of_them = async |names: &[String]| {
        sqlx::query_scalar::<_, String>(ours).bind(schema).bind(names).fetch_all(&mut *connection).await
    };
    let tables = of_them(&tables).await.map_err(failed)?;
    let views = of_them(&views).await.map_err(failed)?;
    if tables.is_empty() && views.is_empty() {
        return Ok(());
    }
    grant_schema(connection, schema, role).await.map_err(failed)?;
    let sql = grants(schema, &tables, &views, role);
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.map(drop).map_err(failed)
}
