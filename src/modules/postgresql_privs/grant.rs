//! The statements that grant and revoke.

use super::catalog::Object;
use super::{Own, State};
use crate::diag::{Diag, Result};
use crate::modules::common::postgresql::sql;

const PRIVILEGES: [&str; 17] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "TRUNCATE",
    "REFERENCES",
    "TRIGGER",
    "CREATE",
    "CONNECT",
    "TEMPORARY",
    "TEMP",
    "EXECUTE",
    "USAGE",
    "ALL",
    "SET",
    "ALTER_SYSTEM",
    "MAINTAIN",
];

/// Kinds of future objects, and the privileges that can be set on them.
const DEFAULTS: [(&str, &[&str]); 5] = [
    (
        "TABLES",
        &[
            "ALL",
            "SELECT",
            "INSERT",
            "UPDATE",
            "DELETE",
            "TRUNCATE",
            "REFERENCES",
            "TRIGGER",
            "MAINTAIN",
        ],
    ),
    ("SEQUENCES", &["ALL", "SELECT", "UPDATE", "USAGE"]),
    ("FUNCTIONS", &["ALL", "EXECUTE"]),
    ("TYPES", &["ALL", "USAGE"]),
    ("SCHEMAS", &["CREATE", "USAGE"]),
];

/// What the options say, before the server was asked.
pub struct Grant {
    /// The schema of the objects.
    pub schema: Option<String>,
    /// All objects of the schema are meant.
    pub all: bool,
    /// The objects.
    pub objects: Vec<String>,
    privileges: Vec<String>,
}

fn wrong(message: impl Into<String>) -> Box<Diag> {
    Diag::error("bad-options", message)
}

/// Words in upper case, each once.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(',').map(str::to_uppercase) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

/// As Python shows a `frozenset`.
fn set<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("'{word}'")).collect();
    match words.is_empty() {
        true => "frozenset()".to_owned(),
        false => format!("frozenset({{{}}})", words.join(", ")),
    }
}

impl Grant {
    /// # Errors
    /// `bad-options`: they do not go together.
    pub fn of(args: &Own) -> Result<Grant> {
        let kind = args.kind;
        let name = kind.name();
        let given = args.objs.as_deref().filter(|objs| !objs.is_empty());
        let none = given == Some("schemas") || args.schema.as_deref() == Some("not-specified");
        let schema = match args.schema.as_deref().filter(|schema| !schema.is_empty()) {
            _ if kind.has_schema() && none => None,
            Some(schema) if kind.has_schema() => Some(schema.to_owned()),
            None if kind.has_schema() => Some("public".to_owned()),
            None => None,
            Some(_) => {
                return Err(wrong(format!(
                    "Argument \"schema\" is not allowed for type \"{name}\"."
                )));
            }
        };
        let all = given == Some("ALL_IN_SCHEMA");
        if all && !kind.may_be_all() {
            return Err(wrong(format!(
                "Argument \"objs\": ALL_IN_SCHEMA can be used only for type: table, sequence, function or procedure, \
                 {name} was passed."
            )));
        }
        let objs = match given {
            Some(objs) => objs,
            None if kind == Object::Database => &args.login_db,
            None => {
                return Err(wrong(format!(
                    "Argument \"objs\" is required for type \"{name}\"."
                )));
            }
        };
        let privileges = privileges(args)?;
        let objects = match kind {
            _ if all => Vec::new(),
            Object::DefaultPrivs => defaults(objs, &privileges)?,
            _ if kind.is_routine() => objs.split(',').map(|name| name.replace(':', ",")).collect(),
            _ => objs.split(',').map(str::to_owned).collect(),
        };
        Ok(Grant {
            schema,
            all,
            objects,
            privileges,
        })
    }

    /// The text for the server; `roles` are quoted.
    ///
    /// # Errors
    /// `bad-options`: a function without arguments.
    pub fn query(&self, args: &Own, roles: &[String]) -> Result<String> {
        let whom = roles.join(",");
        if args.kind == Object::DefaultPrivs {
            return Ok(self.defaults(args, &whom));
        }
        let what = self.what(args.kind)?;
        let group = args.kind == Object::Group;
        let option = if group { "ADMIN" } else { "GRANT" };
        Ok(match (args.state, args.grant_option) {
            (State::Absent, _) => format!("REVOKE {what} FROM {whom};"),
            (State::Present, None) => format!("GRANT {what} TO {whom};"),
            (State::Present, Some(true)) => format!("GRANT {what} TO {whom} WITH {option} OPTION;"),
            (State::Present, Some(false)) => {
                format!("GRANT {what} TO {whom};\nREVOKE {option} OPTION FOR {what} FROM {whom};")
            }
        })
    }

    /// Privileges and objects.
    fn what(&self, kind: Object) -> Result<String> {
        let schema = self.schema.as_deref().map(sql::name);
        let before = schema
            .as_ref()
            .map(|schema| format!("{schema}."))
            .unwrap_or_default();
        let objects = self.objects.iter().map(|object| match kind {
            Object::Function | Object::Procedure => object
                .split_once('(')
                .map(|(name, arguments)| format!("{before}{}({arguments}", sql::name(name)))
                .ok_or_else(|| {
                    wrong(format!(
                        "Illegal function / procedure signature: \"{object}\"."
                    ))
                }),
            _ => Ok(format!("{before}{}", sql::name(object))),
        });
        let objects = objects.collect::<Result<Vec<_>>>()?.join(",");
        if kind == Object::Group {
            return Ok(objects);
        }
        let privileges = self.privileges.join(",").replace('_', " ");
        Ok(match self.all {
            true => {
                let kinds = kind.name().to_uppercase();
                format!(
                    "{privileges} ON ALL {kinds}S IN SCHEMA {}",
                    schema.unwrap_or_default()
                )
            }
            false => format!(
                "{privileges} ON {} {objects}",
                kind.name().replace('_', " ")
            ),
        })
    }

    fn defaults(&self, args: &Own, whom: &str) -> String {
        let targets = args
            .target_roles
            .as_deref()
            .filter(|roles| !roles.is_empty())
            .map(|roles| {
                let names: Vec<String> = roles.split(',').map(sql::name).collect();
                format!(" FOR ROLE {}", names.join(","))
            });
        let schema = self
            .schema
            .as_deref()
            .map(|schema| format!(" IN SCHEMA {}", sql::name(schema)));
        let begin = format!(
            "ALTER DEFAULT PRIVILEGES{}{}",
            targets.unwrap_or_default(),
            schema.unwrap_or_default()
        );
        let revoke = |kind: &str| format!("{begin} REVOKE ALL ON {kind} FROM {whom};");
        if args.state == State::Absent {
            return ["TABLES", "FUNCTIONS", "SEQUENCES", "TYPES"]
                .map(revoke)
                .join("\n");
        }
        let option = if args.grant_option == Some(true) {
            " WITH GRANT OPTION"
        } else {
            ""
        };
        let privileges = self.privileges.join(",");
        let grant = |kind: &str| format!("{begin} GRANT {privileges} ON {kind} TO {whom}{option};");
        let kinds = || self.objects.iter().map(String::as_str);
        kinds()
            .map(revoke)
            .chain(kinds().map(grant))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

fn privileges(args: &Own) -> Result<Vec<String>> {
    let given = args.privs.as_deref().filter(|privs| !privs.is_empty());
    let privileges = match (args.kind, given) {
        (Object::Group, None) => return Ok(Vec::new()),
        (Object::Group, Some(_)) => {
            return Err(wrong(
                "Argument \"privs\" is not allowed for type \"group\".",
            ));
        }
        (kind, None) => {
            return Err(wrong(format!(
                "Argument \"privs\" is required for type \"{}\".",
                kind.name()
            )));
        }
        (_, Some(given)) => words(given),
    };
    let unknown = privileges
        .iter()
        .map(String::as_str)
        .filter(|word| !PRIVILEGES.contains(word));
    let unknown: Vec<&str> = unknown.collect();
    match unknown.is_empty() {
        true => Ok(privileges),
        false => {
            Err(wrong(format!("Invalid privileges specified: {}", set(unknown))).about("privs"))
        }
    }
}

fn defaults(objs: &str, privileges: &[String]) -> Result<Vec<String>> {
    let kinds = match objs {
        "ALL_DEFAULT" => DEFAULTS[..4]
            .iter()
            .map(|(kind, _)| (*kind).to_owned())
            .collect(),
        objs => words(objs),
    };
    let allowed = |kind: &str| {
        DEFAULTS
            .iter()
            .find(|(name, _)| *name == kind)
            .map(|(_, allowed)| *allowed)
    };
    let unknown: Vec<&str> = kinds
        .iter()
        .map(String::as_str)
        .filter(|kind| allowed(kind).is_none())
        .collect();
    if !unknown.is_empty() {
        return Err(wrong(format!("Invalid Object set specified: {}", set(unknown))).about("objs"));
    }
    let fits = |kind: &&str| {
        let allowed = allowed(kind).unwrap_or_default();
        privileges
            .iter()
            .all(|privilege| allowed.contains(&privilege.as_str()))
    };
    let names = || kinds.iter().map(String::as_str);
    if names().all(|kind| fits(&kind)) {
        return Ok(kinds);
    }
    Err(wrong(format!(
        "Invalid priv specified. Valid object for priv: {}. Objects: {}",
        set(names().filter(fits)),
        set(names())
    )))
}
