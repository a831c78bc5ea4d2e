//! Putting a view in place, and what others may do with it.

use std::collections::BTreeMap;

use es_core::{
    projection::{KeptColumn, PrepareError},
    store::{Misconfigured, StoreError},
};
use sqlx::{PgConnection, error::DatabaseError};

use super::{
    change::{Trouble, execute},
    known, rights,
    sql::qualified,
    view::View,
};
use crate::store::Parts;

/// Makes the view of a read model what its versions want.
pub(super) async fn make_view(parts: &Parts, connection: &mut PgConnection, name: &str) -> Result<(), Trouble> {
    let known = known::read(&known::ask(&parts.projections, &[name]).fetch_all(&mut *connection).await?)?;
    let Some(projection) = known.get(name) else { return Ok(()) };
    replace_view(parts, connection, name, projection.oldest, &projection.kept.tables()).await
}

pub(super) async fn replace_view(
    parts: &Parts,
    connection: &mut PgConnection,
    name: &str,
    oldest: u32,
    versions: &BTreeMap<u32, Vec<KeptColumn>>,
) -> Result<(), Trouble> {
    let schema = parts.config.read_model_schema.as_str();
    let sql = View { store: parts.statements.schema(), schema, name, oldest, versions }.create().map_err(|clash| {
        let reason = format!(
            "the column `{}` of `{name}` was {} and is {} in a newer version, and not every value is both: readers of the view \
             `{name}` could meet rows that it cannot show; give the field another name",
            clash.column, clash.from, clash.to
        );
        PrepareError::from(StoreError::from(Misconfigured::new(reason, None)))
    })?;
    execute(connection, "savepoint view".to_owned()).await?;
    let changed = execute(connection, sql.clone()).await;
    match changed {
        Ok(()) => {}
        // 42P16: a column went, or came between others, or has another type.
        Err(error) if error.as_database_error().and_then(DatabaseError::code).as_deref() == Some("42P16") => {
            execute(connection, "rollback to savepoint view".to_owned()).await?;
            let rights = rights_on(connection, schema, name).await?;
            execute(connection, format!("drop view {}; {sql}; {rights}", qualified(schema, name))).await?;
        }
        Err(error) => return Err(error.into()),
    }
    for role in rights::roles_that_run(parts, connection).await? {
        execute(connection, rights::grants(schema, &[], &[name.to_owned()], &role)).await?;
    }
    Ok(())
}

/// The statements that give others the rights that they have on a view.
async fn rights_on(connection: &mut PgConnection, schema: &str, name: &str) -> Result<String, sqlx::Error> {
    let rights: Vec<String> = sqlx::query_scalar(
        "select format('grant %s on %I.%I to %s%s; ', privilege_type, $1::text, $2::text,
                       case when grantee = 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end,
                       case when is_grantable then ' with grant option' else '' end)
         from pg_class join pg_namespace on pg_namespace.oid = relnamespace, aclexplode(relacl)
         where nspname = $1 and relname = $2 and grantee <> relowner",
    )
    .bind(schema)
    .bind(name)
    .fetch_all(connection)
    .await?;
    Ok(rights.concat())
}
