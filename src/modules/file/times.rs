//! Access and modification time.

use super::{Args, State};
use crate::diag::{Diag, Result};
use crate::modules::common::local_time;
use crate::sys::{Op, View};
use std::path::Path;

/// What a time shall be.
#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    Preserve,
    Now,
    /// Seconds since the epoch.
    At(f64),
}

/// What both shall be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Times {
    access: When,
    modification: When,
}

impl Times {
    /// Reads the options. `touch` sets both to now where nothing else is asked for.
    pub(super) fn of(args: &Args) -> Result<Times> {
        let default = match args.state {
            Some(State::Touch) => "now",
            _ => "preserve",
        };
        let read = |text: &Option<String>, format: &str, option: &str| {
            when(text.as_deref().unwrap_or(default), format).map_err(|d| d.about(option))
        };
        Ok(Times {
            access: read(&args.access_time, &args.access_time_format, "access_time")?,
            modification: read(
                &args.modification_time,
                &args.modification_time_format,
                "modification_time",
            )?,
        })
    }

    /// True if a time is set to now, so that each call changes something.
    pub(super) fn moves(&self) -> bool {
        self.access == When::Now || self.modification == When::Now
    }

    /// Operations for a file that is there.
    pub(super) fn ops(&self, path: &Path, view: &dyn View) -> Result<Vec<Op>> {
        let path = path.to_owned();
        if self.access == When::Now && self.modification == When::Now {
            return Ok(vec![Op::Touch { path }]);
        }
        let stat = view.lstat(&path)?.known().flatten();
        let wanted = |when, current: Option<f64>| match when {
            When::Preserve => None,
            When::Now => Some(view.now()),
            When::At(time) => Some(time).filter(|t| current != Some(*t)),
        };
        let atime = wanted(self.access, stat.as_ref().map(|s| s.atime));
        let mtime = wanted(self.modification, stat.as_ref().map(|s| s.mtime));
        if atime.is_none() && mtime.is_none() {
            return Ok(Vec::new());
        }
        Ok(vec![Op::Times { path, atime, mtime }])
    }

    /// The operation for a file that an operation before it creates: only given times matter.
    pub(super) fn of_new(&self, path: &Path) -> Option<Op> {
        let given = |when| match when {
            When::At(time) => Some(time),
            _ => None,
        };
        let (atime, mtime) = (given(self.access), given(self.modification));
        let path = path.to_owned();
        (atime.is_some() || mtime.is_some()).then_some(Op::Times { path, atime, mtime })
    }
}

fn when(text: &str, format: &str) -> Result<When> {
    Ok(match text {
        "preserve" => When::Preserve,
        "now" => When::Now,
        time => When::At(local_time::parse(time, format).map_err(|reason| {
            Diag::error(
                "bad-time",
                format!(
                    "Error while obtaining timestamp for time {time} using format {format}: {reason}"
                ),
            )
        })?),
    })
}
