//! Puts the events of all hosts into the order that one would see if all hosts went through the
//! tasks side by side, counts them, and hands them to the output.

use crate::output::{Certainty, Counts, Event, Outcome, Output, PlanCounts, Status, TaskInfo};
use crate::value::order;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Where in a play a task is: the index at each level (section, task, included task ...). The
/// order of positions is the order of execution.
pub type Position = Vec<u32>;

/// One thing a host reports.
#[derive(Clone, Debug)]
pub enum Report {
    /// A task is about to be performed.
    Begin(TaskInfo),
    /// An item of a loop ended.
    Item(Box<Outcome>),
    /// The task ended.
    End(Box<Outcome>),
    /// The task included a file.
    Included {
        /// The task.
        task: TaskInfo,
        /// Where the included tasks are.
        place: Position,
        /// The file as shown.
        file: String,
        /// The loop item's label.
        item: Option<String>,
    },
    /// An attempt of the task failed and there will be another.
    Retry {
        /// The task's name.
        task: String,
        /// Attempts left.
        left: u32,
        /// The failed attempt.
        result: serde_json::Value,
    },
    /// The task runs in the background and was asked after.
    Background {
        /// The task.
        task: TaskInfo,
        /// Its job id.
        jid: String,
        /// Whether it has failed; `None` while it runs.
        failed: Option<bool>,
    },
    /// A failure was taken care of by `rescue`.
    Rescued,
    /// What a `meta` task did.
    Meta(String),
    /// A message about the run.
    Message(Box<crate::diag::Diag>),
}

struct HostQueue {
    name: String,
    reports: VecDeque<(Position, Report)>,
    /// The last position the host is known to have reached.
    reached: Position,
    done: bool,
}

struct Inclusion {
    at: Position,
    place: Position,
    file: String,
    item: Option<String>,
    hosts: Vec<usize>,
}

/// The collector of a run.
pub struct Collector {
    output: Box<dyn Output>,
    hosts: Vec<HostQueue>,
    /// The task whose banner was shown last.
    shown: Option<(Position, String)>,
    /// What a task has included so far: shown after its other results, once for all hosts.
    included: Vec<Inclusion>,
    /// The order of what tasks have included, by the position of the included tasks.
    order: HashMap<Position, u32>,
    /// Report as things happen, not side by side (`strategy: free`).
    free: bool,
    recap: BTreeMap<String, Counts>,
    plan: PlanCounts,
}

impl Collector {
    /// A collector for an output.
    pub fn new(output: Box<dyn Output>) -> Collector {
        Collector {
            output,
            hosts: Vec::new(),
            shown: None,
            included: Vec::new(),
            order: HashMap::new(),
            free: false,
            recap: BTreeMap::new(),
            plan: PlanCounts::default(),
        }
    }

    /// Passes an event on that belongs to no task.
    pub fn event(&mut self, event: &Event) {
        self.output.event(event);
    }

    /// A play (or a batch of one) begins on these hosts.
    pub fn play_started(&mut self, name: String, hosts: &[String], free: bool) {
        self.hosts = hosts
            .iter()
            .map(|name| HostQueue {
                name: name.clone(),
                reports: VecDeque::new(),
                reached: Position::new(),
                done: false,
            })
            .collect();
        self.free = free;
        self.order.clear();
        self.shown = None;
        self.output.event(&Event::PlayStarted {
            name,
            hosts: hosts.to_vec(),
        });
    }

    /// A host reports something at a position.
    pub fn report(&mut self, host: usize, at: &[u32], report: Report) {
        let queue = &mut self.hosts[host];
        queue.reached = at.to_vec();
        queue.reports.push_back((at.to_vec(), report));
        self.release();
    }

    /// A host has nothing more to report in this play.
    pub fn done(&mut self, host: usize) {
        self.hosts[host].done = true;
        self.release();
        if self.hosts.iter().all(|host| host.done) {
            self.show_included();
        }
    }

    /// The recap so far.
    pub fn recap(&self) -> &BTreeMap<String, Counts> {
        &self.recap
    }

    /// Totals of the dry run so far.
    pub fn plan(&self) -> PlanCounts {
        self.plan
    }

    fn release(&mut self) {
        while let Some(host) = self.next_host() {
            let at = self.hosts[host].reports.front().map(|(at, _)| at);
            if let (Some(at), Some(included)) = (at, self.included.first())
                && included.at != *at
            {
                // All hosts are through with the including task; now the order is settled.
                self.show_included();
                continue;
            }
            let Some((at, report)) = self.hosts[host].reports.pop_front() else {
                return;
            };
            self.show(host, at, report);
        }
    }

    /// The host whose report comes next, if no other host can still report something earlier.
    fn next_host(&self) -> Option<usize> {
        let waiting = self
            .hosts
            .iter()
            .enumerate()
            .filter_map(|(i, q)| q.reports.front().map(|(at, _)| (self.rank(at), i)));
        let (first, host) = waiting.min()?;
        let open = |q: &HostQueue| !q.done && q.reports.is_empty() && self.rank(&q.reached) < first;
        if !self.free && self.hosts.iter().any(open) {
            return None;
        }
        // Within one task results are shown as they come: prefer any host at the same position.
        Some(host)
    }

    fn show(&mut self, host: usize, at: Position, report: Report) {
        let name = self.hosts[host].name.clone();
        match report {
            Report::Begin(info) => {
                // Each host's meta task is shown for itself (observed: ansible-core 2.19.14).
                if info.module == "meta" {
                    self.shown = None;
                }
                self.banner(at, info);
            }
            Report::Item(outcome) => {
                self.banner(at, outcome.task.clone());
                if includes(&outcome.task) && outcome.status == Status::Failed {
                    // Each counts by itself; the loop as a whole does not.
                    self.count(&outcome);
                }
                self.output.event(&Event::ItemEnded(*outcome));
            }
            Report::End(outcome) => {
                if outcome.task.module == "meta" && outcome.status == Status::Skipped {
                    self.shown = None;
                    // Not a report of its own: another host's could come between.
                    if let Some(text) = outcome.result["skip_reason"].as_str() {
                        let text = text.to_owned();
                        self.output.event(&Event::Meta { text });
                    }
                }
                self.banner(at, outcome.task.clone());
                let looped = outcome.result["results"].is_array();
                if !(looped && includes(&outcome.task)) || outcome.status == Status::Skipped {
                    self.count(&outcome);
                }
                self.output.event(&Event::TaskEnded(*outcome));
            }
            Report::Included {
                task,
                place,
                file,
                item,
            } => {
                self.banner(at.clone(), task);
                self.recap.entry(name.clone()).or_default().ok += 1;
                self.include(Inclusion {
                    at,
                    place,
                    file,
                    item,
                    hosts: vec![host],
                });
            }
            Report::Retry { task, left, result } => self.output.event(&Event::Retry {
                host: name,
                task,
                left,
                result,
            }),
            Report::Background { task, jid, failed } => {
                self.banner(at, task);
                self.output.event(&Event::Background {
                    host: name,
                    jid,
                    failed,
                });
            }
            Report::Rescued => {
                let counts = self.recap.entry(name).or_default();
                counts.rescued += 1;
                counts.failed = counts.failed.saturating_sub(1);
            }
            Report::Meta(text) => self.output.event(&Event::Meta { text }),
            Report::Message(diag) => self.output.event(&Event::Message(diag)),
        }
    }

    fn include(&mut self, new: Inclusion) {
        // The same file twice over for one host is two inclusions.
        let same = |old: &&mut Inclusion| {
            (&old.file, &old.item) == (&new.file, &new.item)
                && !old.hosts.iter().any(|host| new.hosts.contains(host))
        };
        match self.included.iter_mut().find(same) {
            Some(old) => old.hosts.extend(new.hosts),
            None => self.included.push(new),
        }
    }

    /// Says what a task has included, and settles in which order that comes: what the first host
    /// includes is first.
    fn show_included(&mut self) {
        let mut all = std::mem::take(&mut self.included);
        for inclusion in &mut all {
            inclusion.hosts.sort_unstable();
        }
        order::sort_by_key(&mut all, |inclusion| inclusion.hosts.first().copied());
        for (number, inclusion) in (0u32..).zip(all) {
            self.order.insert(inclusion.place, number);
            let names = inclusion.hosts.iter();
            self.output.event(&Event::Included {
                file: inclusion.file,
                hosts: names.map(|host| self.hosts[*host].name.clone()).collect(),
                item: inclusion.item,
            });
        }
    }

    /// A position by which reports are ordered: what tasks include comes in the order it was shown.
    fn rank(&self, at: &[u32]) -> Position {
        let mut rank = at.to_vec();
        if self.order.is_empty() {
            return rank;
        }
        for end in 2..=at.len() {
            if let Some(number) = self.order.get(&at[..end]) {
                rank[end - 2] = *number;
                rank[end - 1] = 0;
            }
        }
        rank
    }

    fn banner(&mut self, at: Position, info: TaskInfo) {
        let key = (at, info.path.clone());
        if self.shown.as_ref() != Some(&key) {
            self.shown = Some(key);
            self.output.event(&Event::TaskStarted(info));
        }
    }

    fn count(&mut self, outcome: &Outcome) {
        // What becomes of the run itself is no result of a host.
        if outcome.task.module == "meta" && outcome.status != Status::Failed {
            return;
        }
        let counts = self.recap.entry(outcome.host.clone()).or_default();
        match outcome.status {
            Status::Ok => counts.ok += 1,
            Status::Changed => {
                counts.ok += 1;
                counts.changed += 1;
            }
            Status::Skipped => counts.skipped += 1,
            Status::Failed if outcome.ignored => {
                counts.ok += 1;
                counts.ignored += 1;
                if outcome.result["changed"] == serde_json::json!(true) {
                    counts.changed += 1;
                }
            }
            Status::Failed => counts.failed += 1,
            Status::Unreachable if outcome.ignored => {
                counts.ok += 1;
                counts.ignored += 1;
            }
            Status::Unreachable => counts.unreachable += 1,
        }
        let plan = &mut self.plan;
        match (outcome.certainty, outcome.status) {
            (_, Status::Skipped) => plan.skipped += 1,
            (_, Status::Failed | Status::Unreachable) if !outcome.ignored => plan.failed += 1,
            (Certainty::Unknown, _) => plan.unknown += 1,
            (Certainty::Opaque, _) => plan.opaque += 1,
            (Certainty::Sure, Status::Changed) => plan.change += 1,
            (Certainty::Sure, _) => plan.ok += 1,
        }
    }
}

fn includes(task: &TaskInfo) -> bool {
    matches!(task.module.as_str(), "include_tasks" | "include_role")
}
