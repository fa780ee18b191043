//! The keywords: where each may stand, what it holds, whether it is inherited.
//!
//! One table serves parsing, errors and documentation. Names, places and inheritance are those of
//! ansible-core 2.19.14 (observed: the field attributes of its playbook objects).

use crate::diag::{Diag, Exit, nearest};
use crate::modules;
use crate::value::Key;

/// What a statement is, as far as its keywords go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// An entry of a playbook.
    Play,
    /// A `block:`.
    Block,
    /// An entry of `roles:` or of a role's dependencies.
    Role,
    /// A task.
    Task,
    /// `include_tasks` or `include_role`, which take few keywords.
    Include,
    /// A handler.
    Handler,
    /// `loop_control`.
    LoopControl,
    /// `import_playbook`.
    ImportPlaybook,
}

impl Place {
    /// The word for it in messages.
    pub fn noun(self) -> &'static str {
        match self {
            Place::Play => "a play",
            Place::Block => "a block",
            Place::Role => "a role entry",
            Place::Task => "a task",
            Place::Include => "an include",
            Place::Handler => "a handler",
            Place::LoopControl => "loop_control",
            Place::ImportPlaybook => "import_playbook",
        }
    }

    /// ansible-core's name for it.
    fn class(self) -> &'static str {
        match self {
            Place::Play => "Play",
            Place::Block => "Block",
            Place::Role => "RoleInclude",
            Place::Task => "Task",
            Place::Include => "TaskInclude",
            Place::Handler => "Handler",
            Place::LoopControl => "LoopControl",
            Place::ImportPlaybook => "PlaybookInclude",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// What a keyword holds after rendering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Text.
    Text,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// A boolean.
    Bool,
    /// A number or a percentage.
    Percent,
    /// A list; one value stands for a list of it.
    List,
    /// A list of strings, or one string.
    Names,
    /// A dict.
    Dict,
    /// One condition or a list of them: expressions without braces.
    Conditions,
    /// A list of tasks and blocks.
    Tasks,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Keyword {
    /// As it is written.
    pub name: &'static str,
    /// What it holds.
    pub holds: Holds,
    /// Whether inner statements inherit it.
    pub inherited: bool,
    /// What it does, in one sentence.
    pub doc: &'static str,
    places: u8,
}

impl Keyword {
    /// Whether it may stand in such a statement.
    pub fn allowed_in(&self, place: Place) -> bool {
        self.places & place.bit() != 0
    }
}

const PLAY: u8 = 1 << Place::Play as u8;
const BLOCK: u8 = 1 << Place::Block as u8;
const ROLE: u8 = 1 << Place::Role as u8;
const TASK: u8 = 1 << Place::Task as u8;
const INCLUDE: u8 = 1 << Place::Include as u8;
const HANDLER: u8 = 1 << Place::Handler as u8;
const LOOP: u8 = 1 << Place::LoopControl as u8;
const IMPORT: u8 = 1 << Place::ImportPlaybook as u8;
/// What every statement has.
const BASE: u8 = PLAY | BLOCK | ROLE | TASK | HANDLER | IMPORT;
/// Tasks, handlers and what is around them.
const INNER: u8 = BLOCK | ROLE | TASK | HANDLER;
const TASKS: u8 = TASK | HANDLER;

const fn row(
    name: &'static str,
    places: u8,
    holds: Holds,
    inherited: bool,
    doc: &'static str,
) -> Keyword {
    Keyword {
        name,
        holds,
        inherited,
        doc,
        places,
    }
}

use Holds::{Bool, Conditions, Dict, Float, Int, List, Names, Percent, Text};

/// The table.
#[rustfmt::skip]
pub static KEYWORDS: &[Keyword] = &[
    row("action", TASKS | INCLUDE, Text, false, "Module and arguments in one string."),
    row("always", BLOCK, Holds::Tasks, false, "Tasks that run after the block whatever came of it."),
    row("any_errors_fatal", BASE, Bool, true, "A failure on one host ends the play for all."),
    row("args", TASKS | INCLUDE, Dict, false, "Further arguments of the module."),
    row("async", TASKS, Int, false, "Runs in the background; at most so many seconds."),
    row("become", BASE, Bool, true, "Works as another user."),
    row("become_exe", BASE, Text, true, "The program that changes the user."),
    row("become_flags", BASE, Text, true, "Its flags."),
    row("become_method", BASE, Text, true, "How the user is changed, such as sudo."),
    row("become_user", BASE, Text, true, "The user to work as; root if absent."),
    row("block", BLOCK, Holds::Tasks, false, "Tasks that share keywords."),
    row("break_when", LOOP, Conditions, false, "Ends the loop after the item for which it holds."),
    row("changed_when", TASKS, Conditions, false, "Decides whether the task counts as changed."),
    row("check_mode", BASE, Bool, true, "Whether the task only predicts."),
    row("collections", BASE | INCLUDE, Names, true, "Collections in which short names are looked for."),
    row("connection", BASE, Text, true, "How the host is reached."),
    row("debugger", BASE | INCLUDE, Text, true, "When the debugger starts."),
    row("delay", TASKS, Float, false, "Seconds between tries."),
    row("delegate_facts", INNER, Bool, true, "Gathered facts go to the host delegated to."),
    row("delegate_to", INNER, Text, true, "The host that does the work instead."),
    row("diff", BASE, Bool, true, "Whether differences are shown."),
    row("environment", BASE, List, true, "Environment variables."),
    row("extended", LOOP, Bool, false, "Sets ansible_loop."),
    row("extended_allitems", LOOP, Bool, false, "Whether ansible_loop has all items."),
    row("fact_path", PLAY, Text, false, "Directory of local facts on the host."),
    row("failed_when", TASKS, Conditions, false, "Decides whether the task counts as failed."),
    row("force_handlers", PLAY, Bool, false, "Notified handlers run even on hosts that failed."),
    row("gather_facts", PLAY, Bool, false, "Whether facts are gathered first."),
    row("gather_subset", PLAY, Names, false, "Which facts are gathered."),
    row("gather_timeout", PLAY, Int, false, "Seconds for gathering facts."),
    row("handlers", PLAY, Holds::Tasks, false, "Tasks that run when notified."),
    row("hosts", PLAY, Names, false, "The hosts: a pattern."),
    row("ignore_errors", BASE | INCLUDE, Bool, true, "Goes on after a failure."),
    row("ignore_unreachable", BASE, Bool, true, "Goes on with a host that could not be reached."),
    row("import_playbook", IMPORT, Text, false, "The playbook whose plays stand here."),
    row("index_var", LOOP, Text, false, "Variable for the number of the item, from 0."),
    row("label", LOOP, Text, false, "What is shown of the item."),
    row("listen", HANDLER, Names, false, "Further names under which the handler is notified."),
    row("local_action", TASKS, Text, false, "As action, on the control side."),
    row("loop", TASKS | INCLUDE, List, false, "Items to repeat the task for."),
    row("loop_control", TASKS | INCLUDE, Dict, false, "How the loop works."),
    row("loop_var", LOOP, Text, false, "Variable for the item instead of item."),
    row("max_fail_percentage", PLAY, Percent, false, "More failed hosts than this end the play."),
    row("module_defaults", BASE, List, true, "Default arguments by module."),
    row("name", BASE | INCLUDE, Text, false, "What is shown."),
    row("no_log", BASE | INCLUDE, Bool, true, "Hides arguments and results."),
    row("notify", INNER & !ROLE, Names, true, "Handlers to run later if the task changed something."),
    row("order", PLAY, Text, false, "Order of the hosts."),
    row("pause", LOOP, Float, false, "Seconds between items."),
    row("poll", TASKS, Int, false, "Seconds between looks at a background task; 0 does not wait."),
    row("port", BASE, Int, true, "Port of the connection."),
    row("post_tasks", PLAY, Holds::Tasks, false, "Tasks after the others."),
    row("pre_tasks", PLAY, Holds::Tasks, false, "Tasks before the roles."),
    row("register", TASKS | INCLUDE, Text, false, "Variable for the result."),
    row("remote_user", BASE, Text, true, "User of the connection."),
    row("rescue", BLOCK, Holds::Tasks, false, "Tasks that run if the block fails."),
    row("retries", TASKS, Int, false, "How often the task is tried again."),
    row("role", ROLE, Text, false, "The role."),
    row("roles", PLAY, List, false, "Roles to run before the tasks."),
    row("run_once", BASE | INCLUDE, Bool, true, "Runs on one host for all."),
    row("serial", PLAY, List, false, "How many hosts at a time."),
    row("strategy", PLAY, Text, false, "How hosts go through the tasks."),
    row("tags", BASE | INCLUDE, Names, true, "Tags by which tasks are chosen."),
    row("tasks", PLAY, Holds::Tasks, false, "The tasks."),
    row("throttle", BASE, Int, true, "How many hosts at most run the task at a time."),
    row("timeout", BASE | INCLUDE, Int, true, "Seconds after which the task fails."),
    row("until", TASKS, Conditions, false, "Tries again until it holds."),
    row("user", PLAY, Text, true, "Old name of remote_user."),
    row("vars", BASE | INCLUDE, Dict, true, "Variables."),
    row("vars_files", PLAY, List, false, "Files of variables."),
    row("vars_prompt", PLAY, List, false, "Variables to ask for."),
    row("when", INNER | INCLUDE | IMPORT, Conditions, true, "Runs only where it holds."),
];

/// The row of a keyword that may stand in such a statement.
pub fn find(name: &str, place: Place) -> Option<&'static Keyword> {
    KEYWORDS
        .binary_search_by(|row| row.name.cmp(name))
        .ok()
        .map(|index| &KEYWORDS[index])
        .filter(|row| row.allowed_in(place))
}

/// The names that may stand in such a statement.
pub fn names(place: Place) -> impl Iterator<Item = &'static str> {
    KEYWORDS
        .iter()
        .filter(move |row| row.allowed_in(place))
        .map(|row| row.name)
}

/// The error for a key that is no keyword of such a statement.
pub(super) fn unknown(key: &Key, place: Place) -> Box<Diag> {
    let name = key.to_value().to_text();
    let diag = Diag::error(
        "unknown-keyword",
        format!("'{name}' is not a valid attribute for a {}", place.class()),
    )
    .at(key.span, "")
    .exit(Exit::Parser);
    if let Some(near) = nearest(&name, names(place)) {
        return diag.help(format!("did you mean {near:?}?"));
    }
    elsewhere(diag, &name, place)
}

/// Says where a keyword belongs that stands in the wrong place.
fn elsewhere(diag: Box<Diag>, name: &str, place: Place) -> Box<Diag> {
    let all = [
        Place::Play,
        Place::Block,
        Place::Task,
        Place::Handler,
        Place::LoopControl,
    ];
    let at: Vec<&str> = all
        .into_iter()
        .filter(|p| *p != place && find(name, *p).is_some())
        .map(Place::noun)
        .collect();
    if !at.is_empty() {
        return diag.help(format!("it is a keyword of {}", at.join(", ")));
    }
    if place == Place::Play && modules::find(name).is_some() {
        return diag.help(format!(
            "`{name}` is a module: put it into a play, under `tasks:`"
        ));
    }
    diag
}

/// The error for a task none of whose keys is a module: `key` is the first that is no keyword.
pub(super) fn unknown_module(name: &str, key: &Key, place: Place) -> Box<Diag> {
    let diag = Diag::error("unknown-module", format!("there is no module `{name}`"))
        .at(key.span, "")
        .exit(Exit::Parser);
    let short = name.rsplit('.').next().unwrap_or(name);
    if short == "include" {
        return diag
            .help("write `include_tasks` or `import_tasks`")
            .exit(Exit::Failed);
    }
    let mut known: Vec<&str> = modules::names().chain(names(place)).collect();
    known.sort_unstable();
    // A long prefix must not make different modules look alike.
    match nearest(short, known) {
        Some(near) => diag.help(format!("did you mean {near:?}?")),
        None => diag,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_for_the_search() {
        assert!(KEYWORDS.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn keywords_know_their_places() {
        assert!(find("hosts", Place::Play).is_some());
        assert!(find("hosts", Place::Task).is_none());
        assert!(find("become", Place::Include).is_none());
        assert!(find("listen", Place::Handler).is_some());
        assert!(find("notify", Place::Role).is_none());
        assert!(find("when", Place::Play).is_none());
    }
}
