//! Settings of the default callback: what of a run is shown, and how.

use super::reader::{Reader, defaults};
use crate::diag::Result;

/// How what happens is shown in Ansible's form.
#[derive(Clone, Debug)]
pub struct Display {
    /// `display_ok_hosts`: tasks that changed nothing are shown.
    pub ok_hosts: bool,
    /// `display_skipped_hosts`: skipped tasks are shown.
    pub skipped_hosts: bool,
    /// `display_failed_stderr`: failures are told on standard error.
    pub failed_stderr: bool,
    /// `check_mode_markers`: a dry run says so at each play and task.
    pub check_mode_markers: bool,
    /// `show_task_path_on_failure`.
    pub task_path_on_failure: bool,
    /// `callback_result_format` is `yaml`.
    pub yaml: bool,
}

impl Default for Display {
    fn default() -> Display {
        Display {
            ok_hosts: true,
            skipped_hosts: true,
            failed_stderr: false,
            check_mode_markers: false,
            task_path_on_failure: false,
            yaml: false,
        }
    }
}

impl Display {
    pub(super) fn read(from: &Reader<'_>) -> Result<Display> {
        let flag = |key: &str, default: bool| from.flag(&defaults(key), default);
        let callback = from.text(&defaults("stdout_callback"), "");
        let format = from.text(&defaults("callback_result_format"), "json");
        Ok(Display {
            ok_hosts: flag("display_ok_hosts", true)?,
            skipped_hosts: flag("display_skipped_hosts", true)?,
            failed_stderr: flag("display_failed_stderr", false)?,
            check_mode_markers: flag("check_mode_markers", false)?,
            task_path_on_failure: flag("show_task_path_on_failure", false)?,
            // The callback of that name was superseded by the format (documented).
            yaml: format == "yaml" || matches!(&*callback, "yaml" | "community.general.yaml"),
        })
    }
}
