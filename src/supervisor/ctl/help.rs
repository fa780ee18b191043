//! What `help` says. Topics, columns and errors are those of supervisorctl 4.3.0; the words are
//! gxdeploy's.

use super::commands::Session;

/// Commands of the shell in alphabetical order, with their lines of help: usage and meaning.
pub(super) const COMMANDS: [(&str, &[(&str, &str)]); 22] = [
    (
        "add",
        &[(
            "add <name> [...]",
            "Start running a group that was read from the configuration",
        )],
    ),
    (
        "avail",
        &[("avail", "List all processes that are configured")],
    ),
    (
        "clear",
        &[
            ("clear <name> [...]", "Empty the logs of processes"),
            ("clear all", "Empty the logs of all processes"),
        ],
    ),
    ("exit", &[("exit", "Leave the shell")]),
    (
        "fg",
        &[(
            "fg <process>",
            "Talk to a process: its output here, lines from here to it. Ctrl-C ends it",
        )],
    ),
    (
        "maintail",
        &[
            ("maintail", "The last 1600 bytes of the daemon's log"),
            ("maintail -100", "The last 100 bytes"),
            ("maintail -f", "Follow it until Ctrl-C"),
        ],
    ),
    (
        "open",
        &[(
            "open <url>",
            "Speak to another daemon: http://host:port or unix:///path/of/socket",
        )],
    ),
    (
        "pid",
        &[
            ("pid", "The daemon's process id"),
            ("pid <name> [...]", "Process ids of processes"),
            ("pid all", "Process ids of all processes, one a line"),
        ],
    ),
    ("quit", &[("quit", "Leave the shell")]),
    (
        "reload",
        &[("reload", "Restart the daemon with all of its processes")],
    ),
    (
        "remove",
        &[("remove <name> [...]", "Forget a group that has stopped")],
    ),
    (
        "reread",
        &[(
            "reread",
            "Read the configuration and say what differs; nothing is started or stopped",
        )],
    ),
    (
        "restart",
        &[
            (
                "restart <name> [...]",
                "Stop and start processes; the configuration is not read again",
            ),
            ("restart <group>:*", "All of a group"),
            ("restart all", "All processes"),
            (
                "restart --rolling <name> [...]",
                "One after the other, each waited for",
            ),
            (
                "restart --parallel <name> [...]",
                "Each starts as soon as it has stopped",
            ),
        ],
    ),
    (
        "shutdown",
        &[("shutdown", "Stop all processes and the daemon")],
    ),
    (
        "signal",
        &[
            ("signal <signal> <name> [...]", "Send a signal to processes"),
            ("signal <signal> <group>:*", "To all of a group"),
            ("signal <signal> all", "To all processes"),
        ],
    ),
    (
        "start",
        &[
            ("start <name> [...]", "Start processes"),
            ("start <group>:*", "All of a group"),
            ("start all", "All processes"),
        ],
    ),
    (
        "status",
        &[
            ("status", "State of all processes"),
            ("status <name> [...]", "Of some"),
            ("status <group>:*", "Of all of a group"),
            ("status --json", "The same for programs"),
        ],
    ),
    (
        "stop",
        &[
            ("stop <name> [...]", "Stop processes"),
            ("stop <group>:*", "All of a group"),
            ("stop all", "All processes"),
        ],
    ),
    (
        "tail",
        &[
            (
                "tail [-f] <name> [stdout|stderr]",
                "The last 1600 bytes of a process's output (stdout)",
            ),
            ("tail -100 <name>", "The last 100 bytes"),
            ("tail -f <name>", "Follow it until Ctrl-C"),
        ],
    ),
    (
        "update",
        &[
            (
                "update [all]",
                "Read the configuration and bring the groups in line with it, with restarts",
            ),
            ("update <group> [...]", "Only these groups"),
            (
                "update --changed-only",
                "Restart only processes whose options differ",
            ),
            ("update --dry-run", "Say what would be done"),
        ],
    ),
    ("version", &[("version", "The daemon's version")]),
    (
        "why",
        &[("why <name> [...]", "Why a process is in its state")],
    ),
];

/// The list that `help` alone shows, in columns as wide as their longest name.
fn overview() -> String {
    let names: Vec<&str> = COMMANDS.iter().map(|(name, _)| *name).collect();
    let title = "default commands (type help <topic>):";
    let rows = names.len().div_ceil(8);
    let columns: Vec<&[&str]> = names.chunks(rows).collect();
    let mut out = format!("\n{title}\n{}\n", "=".repeat(title.len()));
    for row in 0..rows {
        let cells = columns.iter().map(|column| {
            let width = column.iter().map(|n| n.len()).max().unwrap_or(0);
            format!("{:width$}", column.get(row).unwrap_or(&""))
        });
        let line: Vec<String> = cells.collect();
        out.push_str(line.join("  ").trim_end());
        out.push('\n');
    }
    out
}

impl Session {
    /// Help on one topic, on all with an empty one.
    pub(super) fn help(&self, topic: &str) {
        let lines: &[(&str, &str)] = match topic {
            "" => return self.say(&overview()),
            "help" => &[
                ("help", "List the commands"),
                ("help <command>", "Say what a command does"),
            ],
            _ => match COMMANDS.iter().find(|(name, _)| *name == topic) {
                Some((_, lines)) => lines,
                None => return self.say(&format!("*** No help on {topic}")),
            },
        };
        let width = lines
            .iter()
            .map(|(usage, _)| usage.len())
            .max()
            .unwrap_or(0);
        for (usage, meaning) in lines {
            self.say(&format!("{usage:width$}   {meaning}"));
        }
    }
}
