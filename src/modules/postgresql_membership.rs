//! `postgresql_membership`: which roles of a PostgreSQL server are members of which.

use super::Module;
use super::common::postgresql::{Login, Session, Statement, plain, refusal, sql, told};
use crate::args::With;
use crate::diag::{Diag, Result};
use crate::sys::{Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

/// Makes roles members of other roles, and ends membership.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// Roles to be a member of. Aliases: group, source_role, source_roles
    #[serde(alias = "group", alias = "source_role", alias = "source_roles")]
    groups: Vec<String>,
    /// Roles that are members. Aliases: target_role, user, users
    #[serde(alias = "target_role", alias = "user", alias = "users")]
    target_roles: Vec<String>,
    /// Fail where one of the roles does not exist; otherwise it is left out.
    #[serde(default = "yes")]
    fail_on_role: bool,
    /// What shall be.
    #[serde(default)]
    state: State,
    /// Database to connect to. Alias: db
    #[serde(default, alias = "db")]
    login_db: String,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum State {
    /// They are no members of these.
    Absent,
    /// They are members of these and no others.
    Exact,
    /// They are members of these.
    #[default]
    Present,
}

type Args = With<Own, Login>;

/// The module.
pub struct PostgresqlMembership;

impl Module for PostgresqlMembership {
    const NAME: &'static str = "postgresql_membership";
    const FQCN: &'static str = "community.postgresql.postgresql_membership";
    const ALIASES: &'static [&'static str] = &["community.general.postgresql_membership"];
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let session = session(args, view)?;
        let changes = Roles::of(args, &session)?.changes(args.state);
        let effects = changes.iter().map(|change| {
            let pair = pair(&change.group, &change.role);
            session.effect("member", &pair, change.grant.then_some("member"))
        });
        Ok(session.ops(&statements(&changes), true, effects.collect()))
    }

    fn explain(args: &Args, view: &dyn View, _: &[Op], _: bool) -> Result<Json> {
        let roles = Roles::of(args, &session(args, view)?)?;
        let changes = roles.changes(args.state);
        let mut members = [true, false].map(|grant| {
            let all = (args.state != State::Exact)
                .then_some(&roles.groups)
                .into_iter()
                .flatten();
            let mut by_group: Map<String, Json> =
                all.map(|group| (group.clone(), json!([]))).collect();
            for change in changes.iter().filter(|change| change.grant == grant) {
                let roles = by_group.entry(&change.group).or_insert(json!([]));
                if let Json::Array(roles) = roles {
                    roles.push(json!(change.role));
                }
            }
            Json::Object(by_group)
        });
        let mut keys = json!({
            "state": args.state,
            "groups": roles.groups,
            "target_roles": roles.members,
            "queries": told(&statements(&changes)),
        });
        if args.state != State::Absent {
            keys["granted"] = members[0].take();
        }
        if args.state != State::Present {
            keys["revoked"] = members[1].take();
        }
        if !roles.warnings.is_empty() {
            keys["warnings"] = json!(roles.warnings);
        }
        Ok(keys)
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        let session = session(args, view)?;
        let Some(fault) = session.failed(done)? else {
            return Ok(json!({}));
        };
        let changes = Roles::of(args, &session)?.changes(args.state);
        let statements = statements(&changes);
        let statement = session.culprit(&statements, &fault);
        Err(refusal(format!(
            "Cannot execute SQL '{statement}': {}",
            fault.text
        )))
    }
}

fn session<'a>(args: &'a Args, view: &'a dyn View) -> Result<Session<'a>> {
    let names = args.groups.iter().chain(&args.target_roles);
    let names: Vec<Option<&str>> = names.map(|name| Some(name.as_str())).collect();
    args.shared.check(&names)?;
    Session::of(&args.shared, &args.login_db, view)
}

fn pair(group: &str, role: &str) -> String {
    format!("{} {}", sql::name(group), sql::name(role))
}

struct Change {
    grant: bool,
    group: String,
    role: String,
}

fn statements(changes: &[Change]) -> Vec<Statement> {
    let statement = |change: &Change| {
        let (group, role) = (sql::name(&change.group), sql::name(&change.role));
        plain(match change.grant {
            true => format!("GRANT {group} TO {role}"),
            false => format!("REVOKE {group} FROM {role}"),
        })
    };
    changes.iter().map(statement).collect()
}

/// Those roles that there are.
struct Roles {
    groups: Vec<String>,
    members: Vec<String>,
    /// Groups of each member, in the order of `members`.
    current: Vec<Vec<String>>,
    warnings: Vec<String>,
}

impl Roles {
    fn of(args: &Own, session: &Session) -> Result<Roles> {
        let trimmed = |names: &[String]| {
            names
                .iter()
                .map(|name| name.trim().to_owned())
                .collect::<Vec<_>>()
        };
        let (groups, members) = (trimmed(&args.groups), trimmed(&args.target_roles));
        let found = session.row(&format!(
            "SELECT ARRAY(SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname = ANY ({all})) AS roles, \
             ARRAY(SELECT pg_catalog.json_build_array(b.rolname, r.rolname) FROM pg_catalog.pg_auth_members m \
             JOIN pg_catalog.pg_roles b ON m.roleid = b.oid JOIN pg_catalog.pg_roles r ON m.member = r.oid \
             WHERE r.rolname = ANY ({members}) ORDER BY b.rolname) AS pairs",
            all = sql::array(&[&groups[..], &members].concat()),
            members = sql::array(&members),
        ))?;
        let found = found.presume(Json::Null);
        let mut warnings = Vec::new();
        let mut there = |names: Vec<String>| {
            let is_there =
                |name: &String| match (session.planned("role", name), found["roles"].as_array()) {
                    (Some(there), _) => there,
                    (None, Some(roles)) => roles.contains(&json!(name)),
                    (None, None) => true,
                };
            let (there, missing): (Vec<String>, Vec<String>) =
                names.into_iter().partition(is_there);
            if let Some(name) = missing.first().filter(|_| args.fail_on_role) {
                return Err(Diag::error(
                    "no-such-role",
                    format!("Role {name} does not exist"),
                ));
            }
            warnings.extend(
                missing
                    .iter()
                    .map(|name| format!("Role {name} does not exist, pass")),
            );
            Ok(there)
        };
        let (groups, members) = (there(groups)?, there(members)?);
        let pairs: Vec<&Json> = found["pairs"].as_array().into_iter().flatten().collect();
        let of = |role: &String| {
            let own = pairs.iter().filter(|pair| pair[1] == json!(role));
            let mut own: Vec<String> = own
                .filter_map(|pair| pair[0].as_str().map(str::to_owned))
                .collect();
            own.dedup();
            let planned = |group: &str| session.planned("member", &pair(group, role));
            own.retain(|group| planned(group) != Some(false));
            let more = groups.iter().filter(|group| planned(group) == Some(true));
            own.extend(more.cloned());
            own
        };
        let current = members.iter().map(of).collect();
        Ok(Roles {
            current,
            groups,
            members,
            warnings,
        })
    }

    fn changes(&self, state: State) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut add = |grant: bool, group: &str, role: &str| {
            changes.push(Change {
                grant,
                group: group.to_owned(),
                role: role.to_owned(),
            });
        };
        if state == State::Exact {
            for (role, current) in self.members.iter().zip(&self.current) {
                let extra = current.iter().filter(|group| !self.groups.contains(group));
                extra.for_each(|group| add(false, group, role));
                let missing = self.groups.iter().filter(|group| !current.contains(group));
                missing.for_each(|group| add(true, group, role));
            }
            return changes;
        }
        let grant = state == State::Present;
        for group in &self.groups {
            for (role, current) in self.members.iter().zip(&self.current) {
                if current.contains(group) != grant {
                    add(grant, group, role);
                }
            }
        }
        changes
    }
}
