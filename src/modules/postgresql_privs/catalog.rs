//! Kinds of objects, and where the server keeps who may do what to them.

use super::super::common::postgresql::sql::{array, literal};
use crate::diag::{Diag, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What privileges are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Object {
    /// Tables and views.
    #[default]
    Table,
    /// Sequences.
    Sequence,
    /// Functions.
    Function,
    /// Procedures.
    Procedure,
    /// Databases.
    Database,
    /// Schemas.
    Schema,
    /// Languages.
    Language,
    /// Tablespaces.
    Tablespace,
    /// Roles: membership in them.
    Group,
    /// Objects that will be made.
    DefaultPrivs,
    /// Foreign data wrappers.
    ForeignDataWrapper,
    /// Foreign servers.
    ForeignServer,
    /// Types.
    Type,
    /// Settings of the server.
    Parameter,
}

impl Object {
    /// Its name, as options and statements have it.
    pub fn name(self) -> &'static str {
        match self {
            Object::Table => "table",
            Object::Sequence => "sequence",
            Object::Function => "function",
            Object::Procedure => "procedure",
            Object::Database => "database",
            Object::Schema => "schema",
            Object::Language => "language",
            Object::Tablespace => "tablespace",
            Object::Group => "group",
            Object::DefaultPrivs => "default_privs",
            Object::ForeignDataWrapper => "foreign_data_wrapper",
            Object::ForeignServer => "foreign_server",
            Object::Type => "type",
            Object::Parameter => "parameter",
        }
    }

    /// True for what is in a schema.
    pub fn has_schema(self) -> bool {
        self.may_be_all() || matches!(self, Object::Type | Object::DefaultPrivs)
    }

    /// True where all objects of a schema can be meant.
    pub fn may_be_all(self) -> bool {
        matches!(self, Object::Table | Object::Sequence) || self.is_routine()
    }

    /// True for what has arguments.
    pub fn is_routine(self) -> bool {
        matches!(self, Object::Function | Object::Procedure)
    }

    /// # Errors
    /// `old-server`.
    pub fn check_version(self, version: Option<i64>, all: bool) -> Result<()> {
        let needed = match self {
            Object::Procedure if all => 11,
            Object::Parameter => 15,
            _ => return Ok(()),
        };
        if version.is_none_or(|version| version >= needed * 10_000) {
            return Ok(());
        }
        let message = format!(
            "PostgreSQL version must be >= {needed} for type={}. Exit",
            self.name()
        );
        Err(Diag::error("old-server", message))
    }
}

const TABLES: &str = "('r', 'v', 'm', 'p', 'f')";

/// A query of the names of all objects of a schema (or of all schemas).
pub fn objects(kind: Object, schema: Option<&str>) -> Option<String> {
    let of = |table: &str, column: &str| match schema {
        Some(schema) => format!(
            "pg_catalog.{table} o JOIN pg_catalog.pg_namespace n ON n.oid = o.{column} WHERE n.nspname = {} AND",
            literal(schema)
        ),
        None => format!("pg_catalog.{table} o WHERE"),
    };
    let relations = |kinds: &str| {
        let from = of("pg_class", "relnamespace");
        format!("SELECT o.relname::text FROM {from} o.relkind IN {kinds}")
    };
    let routines = |kind: &str| {
        let from = of("pg_proc", "pronamespace");
        format!(
            "SELECT o.proname || '(' || pg_catalog.oidvectortypes(o.proargtypes) || ')' FROM {from} o.prokind = '{kind}'"
        )
    };
    Some(match kind {
        Object::Table => relations(TABLES),
        Object::Sequence => relations("('S')"),
        Object::Function => routines("f"),
        Object::Procedure => routines("p"),
        _ => return None,
    })
}

/// A statement that reads who may do what to these objects: one line.
pub fn status(kind: Object, schema: Option<&str>, objects: &[String]) -> String {
    let (table, name, acl) = match kind {
        Object::Table | Object::Sequence => ("pg_class", "relname", "relacl"),
        Object::Function | Object::Procedure => ("pg_proc", "proname", "proacl"),
        Object::Database => ("pg_database", "datname", "datacl"),
        Object::Schema => ("pg_namespace", "nspname", "nspacl"),
        Object::Language => ("pg_language", "lanname", "lanacl"),
        Object::Tablespace => ("pg_tablespace", "spcname", "spcacl"),
        Object::ForeignDataWrapper => ("pg_foreign_data_wrapper", "fdwname", "fdwacl"),
        Object::ForeignServer => ("pg_foreign_server", "srvname", "srvacl"),
        Object::Type => ("pg_type", "typname", "typacl"),
        Object::Parameter => ("pg_parameter_acl", "parname", "paracl"),
        Object::DefaultPrivs => ("pg_default_acl", "", "defaclacl"),
        Object::Group => (
            "pg_auth_members m JOIN pg_catalog.pg_roles",
            "rolname",
            "(m.roleid, m.grantor, m.member, m.admin_option)",
        ),
    };
    let mut tests = Vec::new();
    match kind {
        Object::Group => tests.push("m.roleid = o.oid".to_owned()),
        Object::Table => tests.push(format!("o.relkind IN {TABLES}")),
        Object::Sequence => tests.push("o.relkind = 'S'".to_owned()),
        _ => {}
    }
    if kind != Object::DefaultPrivs {
        // Functions by their names, whatever their arguments.
        let names = objects.iter().map(|name| match kind.is_routine() {
            true => name.split('(').next().unwrap_or_default(),
            false => name,
        });
        tests.push(format!(
            "o.{name} = ANY ({})",
            array(&names.collect::<Vec<_>>())
        ));
    }
    if let Some(schema) = schema {
        let column = match kind {
            Object::DefaultPrivs => "defaclnamespace",
            Object::Type => "typnamespace",
            Object::Table | Object::Sequence => "relnamespace",
            _ => "pronamespace",
        };
        let is = format!(
            "SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {}",
            literal(schema)
        );
        tests.push(format!("o.{column} = ({is})"));
    }
    let (acl, from) = match kind {
        Object::Group => (acl.to_owned(), format!("pg_catalog.{table} o ON true")),
        _ => (format!("o.{acl}"), format!("pg_catalog.{table} o")),
    };
    tests.push("true".to_owned());
    format!(
        "SELECT pg_catalog.array_to_json(ARRAY(SELECT coalesce({acl}::text, '') FROM {from} WHERE {} ORDER BY 1))",
        tests.join(" AND ")
    )
}
