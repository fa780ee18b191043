//! What an update does to each process, worked out before anything is done.

use super::config::{Group, GroupKind, Program};

/// How much of a changed group is started anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it, as supervisord does.
    Group,
    /// Only processes that differ in what they execute.
    Changed,
}

/// What happens to one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is started.
    Start,
    /// It is stopped (or, at rest, forgotten).
    Stop,
    /// It is stopped and started.
    Restart,
    /// It runs on under its new options.
    Adjust,
    /// It is known from now on and stays at rest.
    Define,
}

impl Step {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Step::Start => "start",
            Step::Stop => "stop",
            Step::Restart => "restart",
            Step::Adjust => "adjust",
            Step::Define => "define",
        }
    }
}

/// One process of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Its group.
    pub group: String,
    /// Its name.
    pub name: String,
    /// What happens.
    pub step: Step,
}

/// Whether a running copy of `old` serves as one of `new`: they differ at most in options that
/// matter only when something happens later.
pub fn serves(old: &Program, new: &Program) -> bool {
    let mut old = old.clone();
    old.priority = new.priority;
    old.autostart = new.autostart;
    old.autorestart = new.autorestart;
    old.startsecs = new.startsecs;
    old.startretries = new.startretries;
    old.exitcodes.clone_from(&new.exitcodes);
    old.stopsignal = new.stopsignal;
    old.stopwaitsecs = new.stopwaitsecs;
    old.stopasgroup = new.stopasgroup;
    old.killasgroup = new.killasgroup;
    old.extra.depends_on.clone_from(&new.extra.depends_on);
    old.extra.exit_on_fatal = new.extra.exit_on_fatal;
    old == *new
}

/// Whether the members of a changed group are told apart. Pools of listeners and of programs that
/// share a socket are one thing.
pub fn by_member(old: &Group, new: &Group, extent: Extent) -> bool {
    extent == Extent::Changed && old.kind == GroupKind::Plain && new.kind == GroupKind::Plain
}

/// The steps from the groups that are active to those of a fresh reading; what does not change is
/// left out. `runs` says whether a process of a group counts as running.
pub fn plan(
    old: &[Group],
    new: &[Group],
    extent: Extent,
    runs: impl Fn(&str, &str) -> bool,
) -> Vec<Planned> {
    let mut steps = Vec::new();
    for before in old {
        if !new.iter().any(|g| g.name == before.name) {
            steps.extend(
                before
                    .programs
                    .iter()
                    .map(|p| planned(before, p, Step::Stop)),
            );
        }
    }
    for group in new {
        match old.iter().find(|g| g.name == group.name) {
            None => steps.extend(group.programs.iter().map(|p| planned(group, p, fresh(p)))),
            Some(before) if before == group => {}
            Some(before) => {
                let member = by_member(before, group, extent);
                let step = |program: &Program| {
                    let found = before.programs.iter().find(|p| p.name == program.name);
                    match (found, runs(&group.name, &program.name)) {
                        (None, _) => Some(fresh(program)),
                        (Some(found), _) if member && **found == *program => None,
                        (Some(_), false) if member => Some(Step::Define),
                        (Some(found), true) if member && serves(found, program) => {
                            Some(Step::Adjust)
                        }
                        (Some(_), true) if member => Some(Step::Restart),
                        (Some(_), running) => Some(match (running, program.autostart) {
                            (true, true) => Step::Restart,
                            (true, false) => Step::Stop,
                            (false, _) => fresh(program),
                        }),
                    }
                };
                for gone in &before.programs {
                    if !group.programs.iter().any(|p| p.name == gone.name) {
                        steps.push(planned(group, gone, Step::Stop));
                    }
                }
                let each = group.programs.iter();
                steps.extend(each.filter_map(|p| Some(planned(group, p, step(p)?))));
            }
        }
    }
    steps
}

fn fresh(program: &Program) -> Step {
    match program.autostart {
        true => Step::Start,
        false => Step::Define,
    }
}

fn planned(group: &Group, program: &Program, step: Step) -> Planned {
    Planned {
        group: group.name.clone(),
        name: program.name.clone(),
        step,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::config;

    fn groups(text: &str) -> Vec<Group> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("s.conf");
        std::fs::write(&file, format!("[supervisord]\n{text}")).unwrap();
        config::load(&file).unwrap().groups
    }

    fn steps(old: &str, new: &str, extent: Extent) -> Vec<String> {
        let plan = plan(&groups(old), &groups(new), extent, |_, name| name != "idle");
        let line = |p: &Planned| format!("{} {}:{}", p.step.word(), p.group, p.name);
        plan.iter().map(line).collect()
    }

    const TWO: &str = "[program:h]\ncommand=/bin/h\nprocess_name=h%(process_num)s\nnumprocs=2\n";

    #[test]
    fn more_copies_leave_the_first_alone() {
        let four = TWO.replace("=2", "=4");
        assert_eq!(
            steps(TWO, &four, Extent::Changed),
            ["start h:h2", "start h:h3"]
        );
        assert_eq!(
            steps(&four, TWO, Extent::Changed),
            ["stop h:h2", "stop h:h3"]
        );
        assert_eq!(
            steps(TWO, &four, Extent::Group),
            ["restart h:h0", "restart h:h1", "start h:h2", "start h:h3"]
        );
    }

    #[test]
    fn a_group_keeps_members_that_did_not_change() {
        let old = format!("{TWO}[program:g]\ncommand=/bin/g\n[group:gx]\nprograms=g,h\n");
        let new = old.replace("/bin/h", "/bin/i");
        assert_eq!(
            steps(&old, &new, Extent::Changed),
            ["restart gx:h0", "restart gx:h1"]
        );
        let new = old.replace("/bin/g\n", "/bin/g\nstopwaitsecs=99\n");
        assert_eq!(steps(&old, &new, Extent::Changed), ["adjust gx:g"]);
        let new = old.replace("programs=g,h", "programs=g");
        assert_eq!(
            steps(&old, &new, Extent::Changed),
            ["stop gx:h0", "stop gx:h1", "start h:h0", "start h:h1"]
        );
    }

    #[test]
    fn what_rests_stays_at_rest() {
        let old = "[program:idle]\ncommand=/bin/a\n";
        assert_eq!(
            steps(old, &old.replace("/a", "/b"), Extent::Changed),
            ["define idle:idle"]
        );
        assert_eq!(
            steps(old, &old.replace("/a", "/b"), Extent::Group),
            ["start idle:idle"]
        );
        assert_eq!(steps(old, old, Extent::Group), [""; 0]);
    }
}
