//! This machine: the agent is a child process, so that local runs take the same way as remote ones.

use super::traffic::Counted;
use super::{Link, Traffic};
use crate::diag::{Diag, Result, reason};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

/// Starts an agent on this machine.
///
/// # Errors
/// `connection`: the process could not be started.
pub fn local() -> Result<Link> {
    let failed = |why: String| Diag::error("connection", format!("cannot start an agent: {why}"));
    let mut child = Command::new("/proc/self/exe")
        .arg("agent")
        // Ctrl-C is for the control side, which tells the agent.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| failed(reason(&e)))?;
    match (child.stdin.take(), child.stdout.take()) {
        (Some(stream), Some(from)) => {
            let traffic = Arc::new(Traffic::default());
            Ok(Link {
                to: Box::new(Counted {
                    stream,
                    traffic: traffic.clone(),
                }),
                from: Box::new(Counted {
                    stream: from,
                    traffic: traffic.clone(),
                }),
                guard: Box::new(Reaped(child)),
                traffic,
            })
        }
        _ => Err(failed("its pipes are missing".to_owned())),
    }
}

/// Waits for the process when the link is given up: its input is closed by then, which ends it.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        // Nothing can be done about a child that cannot be waited for.
        let _ = self.0.wait();
    }
}
