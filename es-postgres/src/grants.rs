//! Rights for a role that only runs: the database itself then keeps it from changing what is stored.

use es_core::store::{Misconfigured, StoreError};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqlSafeStr as _, SqlStr};

use crate::{error, migrate::MIGRATION_LOCK, projections, statements::Statements, store::Parts};

/// The name in `sql/grant_runtime.sql` that the role's takes the place of.
const ROLE: &str = "\"es_app\"";

fn failed(source: sqlx::Error) -> StoreError {
    error::store_error("granting rights", error::failure(source))
}

pub(crate) async fn grant_runtime(parts: &Parts, role: &str) -> Result<(), StoreError> {
    let mut connection = parts.connections.open().await?;
    let outcome = grant_on(&mut connection, parts, role).await;
    // What was begun and not committed ends with the connection.
    let _ = connection.close().await;
    outcome
}

async fn grant_on(connection: &mut PgConnection, parts: &Parts, role: &str) -> Result<(), StoreError> {
    let statements = &parts.statements;
    check(connection, statements, role).await?;
    // Two that grant at the same time would change the same rows of the catalogue.
    let begin = format!("begin; set local lock_timeout = 0; select pg_advisory_xact_lock({MIGRATION_LOCK})");
    connection.execute(sqlx::raw_sql(statements.fill(&begin))).await.map_err(failed)?;
    connection.execute(sqlx::raw_sql(grants(statements, role))).await.map_err(failed)?;
    projections::grant_read_models(parts, connection, role).await?;
    connection.execute("commit").await.map_err(failed)?;
    Ok(())
}

/// Refuses names of no role, and roles that no grant could restrict.
async fn check(connection: &mut PgConnection, statements: &Statements, role: &str) -> Result<(), StoreError> {
    let refused = |reason| Err(StoreError::from(Misconfigured::new(reason, None)));
    let missing = || refused(format!("there is no role `{}`: create it first", role.escape_debug()));
    if role.contains('\0') {
        return missing();
    }
    let check = statements.fill(include_str!("sql/grant_runtime_check.sql"));
    let found: Option<(bool, bool)> =
        sqlx::query_as(check).bind(role).fetch_optional(&mut *connection).await.map_err(failed)?;
    match found {
        None => missing(),
        Some((true, _)) => refused(format!(
            "the role `{role}` owns the tables, or is a superuser: no grant restricts it, so run as another"
        )),
        Some((_, false)) => refused("only the owner of the tables can grant rights on them".to_owned()),
        Some((false, true)) => Ok(()),
    }
}

/// The statements for this role. Each name is put in where its token stood in the file, never where another name has
/// brought the same text along.
fn grants(statements: &Statements, role: &str) -> SqlStr {
    let quoted = format!("\"{}\"", role.replace('"', "\"\""));
    let parts: Vec<_> = include_str!("sql/grant_runtime.sql").split(ROLE).map(|part| statements.fill(part)).collect();
    let parts: Vec<_> = parts.iter().map(SqlStr::as_str).collect();
    AssertSqlSafe(parts.join(&quoted)).into_sql_str()
}

#[cfg(test)]
mod tests {
    use super::{Statements, grants};

    #[test]
    fn names_are_quoted_and_never_mixed_up() {
        let granted = grants(&Statements::new("a \"es_app\" b"), "o'b\"es\"r");
        let usage = "grant usage on schema \"a \"\"es_app\"\" b\" to \"o'b\"\"es\"\"r\";";
        assert!(granted.as_str().contains(usage), "{}", granted.as_str());
    }
}
