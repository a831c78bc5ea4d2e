//! The view under whose name everybody reads a read model.
//!
//! It is one table's, as long as there is one version. With several it is all of them together, each behind a guard that asks
//! which version is active: a switch is then a change of one row, which each reader sees or does not see as it sees all else,
//! in whatever isolation. The guard is worked out once for a statement, before the branch behind it, so that the others
//! are never looked at, and a condition on the key uses the key's index.

use std::collections::BTreeMap;

use es_core::projection::{KeptColumn, TableSchema};

use super::{
    column::{self, always_casts},
    sql::{identifier, literal, qualified},
};

/// A read model whose view is wanted.
#[derive(Debug)]
pub(super) struct View<'v> {
    /// The schema of the store's own tables.
    pub(super) store: &'v str,
    pub(super) schema: &'v str,
    pub(super) name: &'v str,
    /// The version that it began with.
    pub(super) oldest: u32,
    /// The versions that are kept, with their columns.
    pub(super) versions: &'v BTreeMap<u32, Vec<KeptColumn>>,
}

/// A column that has types in two versions, and not every value of one is a value of the other.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Clash {
    pub(super) column: String,
    pub(super) from: String,
    pub(super) to: String,
}

impl View<'_> {
    /// Makes the view, or changes it where what was there before stays as it is.
    pub(super) fn create(&self) -> Result<String, Clash> {
        let columns = self.columns()?;
        let branches: Vec<_> =
            self.versions.iter().map(|(&version, own)| self.branch(version, own, &columns)).collect();
        let name = qualified(self.schema, self.name);
        Ok(format!("create or replace view {name} as {}", branches.join(" union all ")))
    }

    /// The columns of all versions, those of older ones first, so that new ones come at the end; each as the newest version
    /// has it.
    fn columns(&self) -> Result<Vec<KeptColumn>, Clash> {
        let mut columns: Vec<KeptColumn> = Vec::new();
        for column in self.versions.values().flatten() {
            match columns.iter_mut().find(|known| known.name == column.name) {
                None => columns.push(column.clone()),
                Some(known) if always_casts(&known.ty, &column.ty) => *known = column.clone(),
                Some(known) => {
                    let column = column.clone();
                    return Err(Clash { column: column.name, from: known.ty.clone(), to: column.ty });
                }
            }
        }
        Ok(columns)
    }

    fn branch(&self, version: u32, own: &[KeptColumn], columns: &[KeptColumn]) -> String {
        let values: Vec<_> = columns.iter().map(|wanted| value(wanted, own)).collect();
        let table = qualified(self.schema, &TableSchema::physical_name(self.name, version));
        format!("select {} from {table}{}", values.join(", "), self.guard(version))
    }

    fn guard(&self, version: u32) -> String {
        let lowest = self.versions.keys().next().copied().unwrap_or(version);
        if lowest == self.oldest && self.versions.len() == 1 {
            return String::new();
        }
        let known = format!("{}.projections where name = {}", identifier(self.store), literal(self.name));
        if version != lowest || lowest == self.oldest {
            return format!(" where (select active from {known}) = {version}");
        }
        // Older versions are gone: who still sees one of them as active, in a transaction that began before the switch, is
        // told, and not shown a table that was not complete then.
        let refuse = format!("{}.refuse_old_snapshot(name)", identifier(self.store));
        format!(" where (select case when active < {version} then {refuse} else active = {version} end from {known})")
    }
}

fn value(wanted: &KeptColumn, own: &[KeptColumn]) -> String {
    let name = identifier(&wanted.name);
    let Some(column) = own.iter().find(|column| column.name == wanted.name) else {
        return format!("null::{}{} as {name}", wanted.ty, collate(wanted));
    };
    match (column.ty == wanted.ty, column::collation(column) == column::collation(wanted)) {
        (true, true) => name,
        (true, false) => format!("{name}{} as {name}", collate(wanted)),
        (false, _) => format!("{name}::{}{} as {name}", wanted.ty, collate(wanted)),
    }
}

fn collate(column: &KeptColumn) -> String {
    column::collation(column).map(|collation| format!(" collate {collation}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use es_core::projection::{ColumnSchema, ColumnType};

    use super::{Clash, KeptColumn, View};
    use crate::projections::column::DIALECT;

    fn columns(columns: &[(&'static str, ColumnType)]) -> Vec<KeptColumn> {
        columns.iter().map(|&(name, ty)| DIALECT.column(&ColumnSchema::new(name, ty, false))).collect()
    }

    fn view(oldest: u32, versions: &BTreeMap<u32, Vec<KeptColumn>>) -> Result<String, Clash> {
        View { store: "es", schema: "s", name: "lamps", oldest, versions }.create()
    }

    #[test]
    fn one_version_is_its_table() {
        let versions = BTreeMap::from([(1, columns(&[("id", ColumnType::BigInt)]))]);
        let expected = r#"create or replace view "s"."lamps" as select "id" from "s"."lamps_v1""#;
        assert_eq!(view(1, &versions).as_deref(), Ok(expected));
    }

    #[test]
    fn several_versions_are_guarded_and_have_all_columns() {
        let versions = BTreeMap::from([
            (1, columns(&[("id", ColumnType::BigInt), ("lit", ColumnType::Integer)])),
            (2, columns(&[("new", ColumnType::Bool), ("id", ColumnType::BigInt), ("lit", ColumnType::BigInt)])),
        ]);
        let guard = r#"(select active from "es".projections where name = 'lamps')"#;
        let expected = [
            r#"create or replace view "s"."lamps" as "#,
            r#"select "id", "lit"::bigint as "lit", null::boolean as "new" from "s"."lamps_v1""#,
            &format!(" where {guard} = 1 union all "),
            r#"select "id", "lit", "new" from "s"."lamps_v2""#,
            &format!(" where {guard} = 2"),
        ];
        assert_eq!(view(1, &versions), Ok(expected.concat()));
    }

    #[test]
    fn where_older_versions_are_gone_older_snapshots_are_refused() {
        let versions = BTreeMap::from([(2, columns(&[("id", ColumnType::BigInt)]))]);
        let sql = view(1, &versions).expect("there is one version");
        let guard = r#" where (select case when active < 2 then "es".refuse_old_snapshot(name) else active = 2 end from "es".projections where name = 'lamps')"#;
        assert!(sql.ends_with(guard), "{sql}");
    }

    #[test]
    fn a_type_that_cannot_always_be_cast_is_refused() {
        let versions =
            BTreeMap::from([(1, columns(&[("id", ColumnType::Text)])), (2, columns(&[("id", ColumnType::BigInt)]))]);
        let clash = Clash { column: "id".to_owned(), from: "text".to_owned(), to: "bigint".to_owned() };
        assert_eq!(view(1, &versions), Err(clash));
    }
}
