//! Puts a new definition of a group in the place of the old one, process by process.

use super::config::Group;
use super::group::{RunGroup, Running, Supervisor};
use super::update::{Extent, by_member};
use std::rc::Rc;

impl Supervisor {
    /// Makes a group what the configuration says. Processes that must stop for it have stopped;
    /// those named in `restarts` are started again.
    pub fn converge(&mut self, name: &str, restarts: &[&str]) {
        let at = self.groups.iter().position(|g| g.config.name == name);
        let fresh = self.config.groups.iter().find(|g| g.name == name).cloned();
        match (at, fresh) {
            (Some(at), None) => {
                self.remove_group(at);
            }
            (None, Some(group)) => {
                self.add_group(&group);
            }
            (Some(at), Some(group)) => {
                if by_member(&self.groups[at].config, &group, Extent::Changed) {
                    self.change_members(at, &group, restarts);
                } else {
                    self.stop_group(at);
                    if self.remove_group(at) {
                        self.add_group(&group);
                    }
                }
            }
            (None, None) => {}
        }
    }

    fn change_members(&mut self, at: usize, group: &Group, restarts: &[&str]) {
        let removed = self.groups.remove(at);
        let (mut old, pool, socket) = (removed.procs, removed.pool, removed.socket);
        let mut starts = Vec::new();
        let mut procs = Vec::new();
        for program in &group.programs {
            let found = old.iter().position(|r| r.proc.program.name == program.name);
            let Some(found) = found else {
                if program.autostart {
                    starts.push(program.name.clone());
                }
                procs.push(self.fresh(&group.name, program));
                continue;
            };
            let mut running = old.remove(found);
            if restarts.contains(&program.name.as_str()) {
                starts.push(program.name.clone());
            }
            self.redefine(&group.name, &mut running, program);
            procs.push(running);
        }
        let place = self.groups.partition_point(|g| {
            (g.config.priority, &g.config.name) <= (group.priority, &group.name)
        });
        let config = group.clone();
        let group_now = RunGroup {
            config,
            procs,
            pool,
            socket,
        };
        self.groups.insert(place, group_now);
        for name in starts {
            if let Some((g, Some(n))) = self.find(&format!("{}:{name}", group.name)) {
                self.autostart(g, n);
            }
        }
        self.bump();
    }

    /// The same process under another definition; logs that are elsewhere now are opened anew.
    fn redefine(&self, group: &str, running: &mut Running, program: &Rc<super::config::Program>) {
        let old = &running.proc.program;
        let same = old.stdout == program.stdout && old.stderr == program.stderr;
        if !same && running.proc.pid.is_none() {
            let fresh = self.fresh(group, program);
            running.stdout = fresh.stdout;
            running.stderr = fresh.stderr;
        }
        running.proc.program = program.clone();
    }
}
