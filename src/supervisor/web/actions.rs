//! What the buttons do: calls of the XML-RPC interface.

use crate::supervisor::group::Shared;
use crate::supervisor::rpc::methods;
use crate::supervisor::rpc::xml::{Answer, Call};
use crate::value::Value;

/// An action with what it is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Action {
    /// As in the query.
    pub name: &'static str,
    /// `group:process`, for the actions of one process.
    pub process: Option<String>,
}

/// Names and whether they are about one process (supervisor 4.3.0).
const ACTIONS: [(&str, bool); 7] = [
    ("refresh", false),
    ("stopall", false),
    ("restartall", false),
    ("start", true),
    ("stop", true),
    ("restart", true),
    ("clearlog", true),
];

impl Action {
    /// `None` for an unknown one, or one without the process it needs.
    pub fn parse(name: &str, process: Option<&String>) -> Option<Action> {
        let (name, of_one) = ACTIONS.into_iter().find(|(known, _)| *known == name)?;
        let process = process.filter(|_| of_one).cloned();
        (process.is_some() == of_one).then_some(Action { name, process })
    }
}

async fn call(shared: &Shared, method: &str, params: Vec<Value>) -> Answer {
    let call = Call {
        method: format!("supervisor.{method}"),
        params,
    };
    methods::answer(shared, &call).await
}

/// Does it, without waiting for a process that takes its time; what to say about it.
pub(super) async fn perform(shared: &Shared, action: &Action) -> String {
    let process = action.process.clone().unwrap_or_default();
    let at_once = |method| {
        let name = Value::from(process.as_str());
        call(shared, method, vec![name, Value::from(false)])
    };
    let done = match action.name {
        "start" => at_once("startProcess").await.map(|_| "started"),
        "stop" => at_once("stopProcess").await.map(|_| "stopping"),
        "clearlog" => call(shared, "clearProcessLogs", vec![process.as_str().into()])
            .await
            .map(|_| "log cleared"),
        "restart" => restart(shared, process.clone())
            .await
            .map(|()| "restarting"),
        "stopall" => call(shared, "stopAllProcesses", vec![false.into()])
            .await
            .map(|_| "All stopping"),
        "restartall" => {
            let shared = shared.clone();
            tokio::task::spawn_local(async move {
                // What does not stop or start says so in its state.
                let _ = call(&shared, "stopAllProcesses", vec![true.into()]).await;
                let _ = call(&shared, "startAllProcesses", vec![false.into()]).await;
            });
            Ok("All restarting")
        }
        _ => return String::new(),
    };
    let about = action
        .process
        .iter()
        .fold(String::new(), |_, p| format!("{p}: "));
    match done {
        Ok(said) => format!("{about}{said}"),
        Err(fault) => format!("{about}{}", fault.text),
    }
}

/// Stops and starts behind the answer's back: a stop may take as long as `stopwaitsecs`.
async fn restart(
    shared: &Shared,
    process: String,
) -> Result<(), crate::supervisor::rpc::fault::Fault> {
    call(shared, "getProcessInfo", vec![process.as_str().into()]).await?;
    let shared = shared.clone();
    tokio::task::spawn_local(async move {
        let name = Value::from(process.as_str());
        // One that does not run is only started.
        let _ = call(&shared, "stopProcess", vec![name.clone(), true.into()]).await;
        let _ = call(&shared, "startProcess", vec![name, false.into()]).await;
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_actions_with_what_they_need() {
        let name = "g:p".to_owned();
        assert!(Action::parse("stop", Some(&name)).is_some());
        assert!(Action::parse("stop", None).is_none());
        assert!(Action::parse("stopall", None).is_some());
        assert!(Action::parse("format", Some(&name)).is_none());
    }
}
