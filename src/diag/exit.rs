//! Exit codes, in one place.

use serde::{Deserialize, Serialize};

/// The exit codes of `apply` and `plan`; the same as ansible-playbook's (ansible-core 2.19.14),
/// observed by running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// Nothing failed.
    Ok,
    /// An error before or outside of any host: a file that cannot be read, an unknown command.
    Failed,
    /// A task failed on at least one host; also `--detailed-exitcode`'s "there are changes".
    HostsFailed,
    /// A host could not be reached.
    Unreachable,
    /// A playbook does not parse.
    Parser,
    /// Wrong options on the command line. (Ansible uses 2 for argparse's own errors and 5 for its.)
    Usage,
    /// Interrupted by the user.
    Interrupted,
}

impl Exit {
    /// The number given to the operating system.
    pub fn code(self) -> u8 {
        match self {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::HostsFailed => 2,
            Exit::Unreachable | Exit::Parser => 4,
            Exit::Usage => 5,
            Exit::Interrupted => 99,
        }
    }
}
