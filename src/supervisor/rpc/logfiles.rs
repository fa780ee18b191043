//! Methods that read, follow and clear logs.

use super::Fault;
use super::fault::code;
use super::info::{outcome, place};
use super::methods::Params;
use super::xml::Answer;
use crate::supervisor::group::{Running, Supervisor};
use crate::supervisor::logs;
use crate::supervisor::proclogs::SharedLog;
use crate::value::Value;

/// Answers a method about logs.
pub(super) fn answer(sup: &Supervisor, method: &str, p: &Params<'_>) -> Answer {
    Ok(match method {
        "readLog" | "readMainLog" => {
            let path = sup.log.with_file(|f| f.path().to_path_buf());
            let path = path.filter(|p| p.exists());
            let path =
                path.ok_or_else(|| Fault::about(code::NO_FILE, &sup.config.daemon.logfile))?;
            text(read_part(&path, p)?)
        }
        "clearLog" => {
            if !sup.log.exists() {
                return Err(Fault::new(code::NO_FILE));
            }
            match sup.log.with_file(logs::LogFile::clear) {
                Some(Err(e)) => return Err(Fault::about(code::FAILED, e)),
                _ => true.into(),
            }
        }
        "readProcessLog" | "readProcessStdoutLog" | "readProcessStderrLog" => {
            let name = p.text(0)?;
            let (g, n) = place(sup, name)?;
            let log = channel(&sup.groups[g].procs[n], method).clone();
            let path = log.map(|l| l.borrow().path().to_path_buf());
            let path = path
                .filter(|p| p.exists())
                .ok_or(Fault::new(code::NO_FILE))?;
            text(read_part(&path, &Params(&p.0[1..]))?)
        }
        "tailProcessLog" | "tailProcessStdoutLog" | "tailProcessStderrLog" => {
            let name = p.text(0)?;
            let (g, n) = place(sup, name)?;
            let (offset, length) = (p.int(1)?, p.int(2)?);
            let (bytes, offset, overflow) = match channel(&sup.groups[g].procs[n], method) {
                Some(log) => logs::tail(log.borrow().path(), offset, length),
                None => (Vec::new(), 0, false),
            };
            Value::list(vec![text(bytes), offset.into(), overflow.into()])
        }
        "clearProcessLog" | "clearProcessLogs" => {
            let name = p.text(0)?;
            let (g, n) = place(sup, name)?;
            clear(&sup.groups[g].procs[n]).map_err(|_| Fault::about(code::FAILED, name))?;
            true.into()
        }
        "clearAllProcessLogs" => {
            let mut results = Vec::new();
            for group in &sup.groups {
                for running in &group.procs {
                    let result = clear(running).map_err(|_| Fault::new(code::FAILED));
                    let name = &running.proc.program.name;
                    results.push(outcome(&group.config.name, name, &result));
                }
            }
            Value::list(results)
        }
        _ => return Err(Fault::new(code::UNKNOWN_METHOD)),
    })
}

fn channel<'a>(running: &'a Running, method: &str) -> &'a SharedLog {
    match method.contains("Stderr") {
        true => &running.stderr,
        false => &running.stdout,
    }
}

fn clear(running: &Running) -> std::io::Result<()> {
    for log in [&running.stdout, &running.stderr].into_iter().flatten() {
        log.borrow_mut().clear()?;
    }
    Ok(())
}

/// Bytes that are no UTF-8 are replaced (supervisord answers HTTP 500).
fn text(bytes: Vec<u8>) -> Value {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

fn read_part(path: &std::path::Path, p: &Params<'_>) -> Result<Vec<u8>, Fault> {
    logs::read(path, p.int(0)?, p.int(1)?).map_err(|why| match why {
        logs::Unreadable::Arguments => Fault::new(code::BAD_ARGUMENTS),
        logs::Unreadable::Failed => Fault::new(code::FAILED),
    })
}
