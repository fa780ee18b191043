//! The pages as text.

use super::actions::Action;
use super::{Params, guard};
use crate::supervisor::group::Shared;
use crate::supervisor::rpc::methods;
use crate::supervisor::rpc::xml::Call;
use crate::value::Value;
use askama::Template;

/// `/stylesheets/supervisor.css`
pub(super) const STYLE: &str = include_str!("style.css");
/// `/live.js`
pub(super) const SCRIPT: &str = include_str!("live.js");

/// A line of the table.
struct Row {
    name: String,
    group: String,
    state: String,
    description: String,
    running: bool,
    stoppable: bool,
}

impl Row {
    fn of(info: &Value) -> Row {
        let text = |key: &str| info.get(key).map(Value::to_text).unwrap_or_default();
        let state = text("statename");
        let (group, name) = (text("group"), text("name"));
        Row {
            // As in supervisorctl: one name where process and group have the same.
            name: match group == name {
                true => name,
                false => format!("{group}:{name}"),
            },
            group,
            description: text("description"),
            running: state == "RUNNING",
            stoppable: matches!(state.as_str(), "RUNNING" | "STARTING" | "BACKOFF"),
            state,
        }
    }
}

async fn call(shared: &Shared, method: &str, params: Vec<Value>) -> Option<Value> {
    let call = Call {
        method: format!("supervisor.{method}"),
        params,
    };
    methods::answer(shared, &call).await.ok()
}

/// The table of processes, all or those of one group.
pub(super) async fn index(shared: &Shared, params: &Params) -> String {
    let all = call(shared, "getAllProcessInfo", Vec::new()).await;
    let known: Vec<Row> = all
        .as_ref()
        .and_then(Value::as_list)
        .map(|infos| infos.iter().map(Row::of).collect())
        .unwrap_or_default();
    let mut groups: Vec<String> = known.iter().map(|row| row.group.clone()).collect();
    groups.dedup();
    let group = params.get("group").map_or("", String::as_str);
    let total = known.len();
    let up = known.iter().filter(|row| row.running).count();
    let rows = known
        .iter()
        .filter(|row| group.is_empty() || group == row.group)
        .collect();
    let identifier = &shared.borrow().config.daemon.identifier;
    text(&Index {
        rows,
        groups: &groups,
        group,
        total,
        up,
        identifier,
        message: params.get("message").map(String::as_str),
        token: guard::token(),
    })
}

/// The page of all processes, or of those of one group.
#[derive(Template)]
#[template(path = "index.html", config = "src/supervisor/web/askama.toml")]
struct Index<'a> {
    rows: Vec<&'a Row>,
    groups: &'a [String],
    /// Empty for all.
    group: &'a str,
    total: usize,
    up: usize,
    identifier: &'a str,
    message: Option<&'a str>,
    token: &'a str,
}

/// Asks whether a link was meant.
pub(super) fn confirm(action: &Action) -> String {
    text(&Confirm {
        name: action.name,
        process: action.process.as_deref(),
        token: guard::token(),
    })
}

#[derive(Template)]
#[template(path = "confirm.html", config = "src/supervisor/web/askama.toml")]
struct Confirm<'a> {
    name: &'a str,
    process: Option<&'a str>,
    token: &'a str,
}

/// The end of a log.
pub(super) async fn tail(shared: &Shared, process: &str, channel: &str, limit: i64) -> String {
    let channel = match channel {
        "stderr" => "stderr",
        _ => "stdout",
    };
    let method = match channel {
        "stderr" => "readProcessStderrLog",
        _ => "readProcessStdoutLog",
    };
    let limit = limit.clamp(1, 1 << 20);
    let params = vec![process.into(), Value::from(-limit), Value::from(0)];
    let log = call(shared, method, params).await;
    text(&Tail {
        process,
        channel,
        other: if channel == "stderr" {
            "stdout"
        } else {
            "stderr"
        },
        limit,
        more: (limit * 8).min(1 << 20),
        log: log.as_ref().map(Value::to_text),
    })
}

#[derive(Template)]
#[template(path = "tail.html", config = "src/supervisor/web/askama.toml")]
struct Tail<'a> {
    process: &'a str,
    channel: &'a str,
    other: &'a str,
    limit: i64,
    more: i64,
    log: Option<String>,
}

/// The text of a page; HTML in values is escaped.
fn text(page: &impl Template) -> String {
    // Writing to a string does not fail.
    page.render()
        .unwrap_or_else(|e| format!("<!DOCTYPE html><title>error</title>{e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped() {
        let action = Action {
            name: "stop",
            process: Some("<b>&\"".to_owned()),
        };
        let page = confirm(&action);
        assert!(page.contains("&#60;b&#62;&#38;&#34;"), "{page}");
        assert!(!page.contains("<b>"));
        assert!(page.contains(guard::token()));
    }
}
