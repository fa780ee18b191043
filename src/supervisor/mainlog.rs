//! The daemon's own log: a file, and a copy on standard output in the foreground.

use super::logs::LogFile;
use std::cell::RefCell;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

/// How important a line is, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "supervisord's documented levels")]
pub enum Level {
    Critical,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
    Blather,
}

impl Level {
    /// The level of a name in lower case; unknown names are `info`.
    pub fn named(name: &str) -> Level {
        match name {
            "critical" => Level::Critical,
            "error" => Level::Error,
            "warn" => Level::Warn,
            "debug" => Level::Debug,
            "trace" => Level::Trace,
            "blather" => Level::Blather,
            _ => Level::Info,
        }
    }

    fn tag(self) -> &'static str {
        match self {
            Level::Critical => "CRIT",
            Level::Error => "ERRO",
            Level::Warn => "WARN",
            Level::Info => "INFO",
            Level::Debug => "DEBG",
            Level::Trace => "TRAC",
            Level::Blather => "BLAT",
        }
    }
}

/// The time as log lines have it: local, with milliseconds.
pub fn stamp() -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or_default();
    let time = local(seconds, "%Y-%m-%d %H:%M:%S");
    format!("{time},{:03}", since.subsec_millis())
}

/// The log; clones share it.
#[derive(Clone, Debug)]
pub struct MainLog {
    file: Rc<RefCell<Option<LogFile>>>,
    level: Level,
    copy: bool,
    syslog: bool,
}

impl MainLog {
    /// Lines up to `level` to `file`, and to standard output if `copy`.
    pub fn new(file: Option<LogFile>, level: Level, copy: bool) -> MainLog {
        MainLog {
            file: Rc::new(RefCell::new(file)),
            level,
            copy,
            syslog: false,
        }
    }

    /// Lines go to the system log.
    pub fn to_syslog(mut self) -> MainLog {
        self.syslog = true;
        self
    }

    /// Whether lines of this level are written.
    pub fn takes(&self, level: Level) -> bool {
        level <= self.level
    }

    /// One line.
    pub fn write(&self, level: Level, text: &str) {
        if level > self.level {
            return;
        }
        let line = format!("{} {} {text}\n", stamp(), level.tag());
        // There is nobody to tell when the log itself cannot be written.
        if let Some(file) = self.file.borrow_mut().as_mut() {
            let _ = file.write(line.as_bytes());
        }
        if self.syslog {
            super::syslog::send_own(&format!("{} {text}", level.tag()));
        }
        if self.copy {
            let _ = std::io::stdout().write_all(line.as_bytes());
        }
    }

    /// Runs something on the file, if there is one.
    pub fn with_file<T>(&self, run: impl FnOnce(&mut LogFile) -> T) -> Option<T> {
        self.file.borrow_mut().as_mut().map(run)
    }

    /// Whether the file is there.
    pub fn exists(&self) -> bool {
        self.with_file(|f| Path::exists(f.path())).unwrap_or(false)
    }

    /// Opens the file anew.
    pub fn reopen(&self) {
        // The last line of the old file (observed: 4.3.0).
        self.write(Level::Info, "supervisord logreopen");
        if let Some(e) = self.with_file(|f| f.reopen().err()).flatten() {
            self.write(Level::Error, &format!("cannot reopen the log: {e}"));
        }
    }
}

/// Seconds since the epoch.
pub fn wall_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or_default()
}

/// A moment in local time, laid out by `strftime`.
pub fn local(seconds: i64, layout: &str) -> String {
    let Ok(layout) = std::ffi::CString::new(layout) else {
        return String::new();
    };
    let mut buffer = [0_u8; 64];
    // SAFETY: both calls get valid pointers, and the length of the buffer.
    let n = unsafe {
        let mut parts: nix::libc::tm = std::mem::zeroed();
        nix::libc::localtime_r(&seconds, &mut parts);
        nix::libc::strftime(
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            layout.as_ptr(),
            &parts,
        )
    };
    String::from_utf8_lossy(&buffer[..n]).into_owned()
}
