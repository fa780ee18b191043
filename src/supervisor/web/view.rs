//! The pages as text.

use super::actions::Action;
use super::{Params, guard};
use crate::supervisor::group::Shared;
use crate::supervisor::rpc::methods;
use crate::supervisor::rpc::xml::Call;
use crate::value::Value;
use minijinja::{AutoEscape, Environment, context, filters};
use serde::Serialize;

/// `/stylesheets/supervisor.css`
pub(super) const STYLE: &str = include_str!("style.css");
/// `/live.js`
pub(super) const SCRIPT: &str = include_str!("live.js");

/// A line of the table.
#[derive(Serialize)]
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
    let rows: Vec<Row> = all
        .as_ref()
        .and_then(Value::as_list)
        .map(|infos| infos.iter().map(Row::of).collect())
        .unwrap_or_default();
    let mut groups: Vec<String> = rows.iter().map(|row| row.group.clone()).collect();
    groups.dedup();
    let group = params.get("group").filter(|group| !group.is_empty());
    let total = rows.len();
    let up = rows.iter().filter(|row| row.running).count();
    let shown: Vec<&Row> = rows
        .iter()
        .filter(|row| group.is_none_or(|group| *group == row.group))
        .collect();
    render(
        "index.html",
        context! {
            rows => minijinja::Value::from(minijinja::value::Serde(&shown)), groups, group, total, up,
            identifier => shared.borrow().config.daemon.identifier.clone(),
            message => params.get("message"),
            token => guard::token(),
        },
    )
}

/// Asks whether a link was meant.
pub(super) fn confirm(action: &Action) -> String {
    let (name, process) = (action.name, &action.process);
    render(
        "confirm.html",
        context! { name, process, token => guard::token() },
    )
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
    let text = call(shared, method, params).await;
    let known = text.is_some();
    let text = text.as_ref().map(Value::to_text).unwrap_or_default();
    render(
        "tail.html",
        context! { process, channel, limit, text, known, more => (limit * 8).min(1 << 20) },
    )
}

/// Renders one of the templates beside this file; HTML in values is escaped.
fn render(name: &str, values: minijinja::Value) -> String {
    const TEMPLATES: [(&str, &str); 4] = [
        ("page.html", include_str!("page.html")),
        ("index.html", include_str!("index.html")),
        ("confirm.html", include_str!("confirm.html")),
        ("tail.html", include_str!("tail.html")),
    ];
    // Only what these templates use.
    let mut environment = Environment::empty();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_filter("length", filters::length);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("urlencode", filters::urlencode);
    let page = TEMPLATES
        .into_iter()
        .try_for_each(|(name, text)| environment.add_template(name, text))
        .and_then(|()| environment.get_template(name)?.render(values));
    // The templates are fixed, and tests render each of them.
    page.unwrap_or_else(|e| format!("<!DOCTYPE html><title>error</title>{}", e.kind()))
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
        assert!(page.contains("&lt;b&gt;&amp;&quot;"), "{page}");
        assert!(!page.contains("<b>"));
        assert!(page.contains(guard::token()));
    }
}
