//! The loop of an agent.

use super::blobs::{RemoteBlobs, Shared};
use super::child::{Child, Children};
use super::inbox::{self, Inbox, Item};
use super::job;
use super::line::{Line, Out, send};
use super::lock;
use super::pending;
use crate::diag::Diag;
use crate::modules::{self, StepResult};
use crate::sys::overlay::Overlay;
use crate::sys::real::{BeforeEffect, RealHost, watch_commands};
use crate::sys::{Host, Known, View};
use crate::wire::{Become, Claim, FromAgent, Mode, PROTOCOL, Step};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Instant;

/// Serves one control side on standard input and output, until it is through or gone for too long.
/// The process may end itself before this returns, even while a step runs: nothing outlives the run.
///
/// # Errors
/// The stream broke.
pub fn serve() -> io::Result<()> {
    watch_commands();
    let out = Line::open()?;
    let pending = pending::open(&out);
    let held = Children::default();
    let Inbox { items, deliveries } = inbox::open(&out, &pending, &held);
    let blobs = Arc::new(RemoteBlobs::new(out.clone(), deliveries));
    let mut server = Server {
        real: real_host(&blobs)?,
        out,
        blobs,
        pending,
        planned: None,
        children: HashMap::new(),
        held,
        claim: None,
        refused: None,
        failed: None,
    };
    let (pending, wrong) = server.pending.known();
    let ready = FromAgent::Ready {
        protocol: PROTOCOL,
        uid: nix::unistd::geteuid().as_raw(),
        pending,
    };
    send(&server.out, &ready)?;
    if let Some(diag) = wrong {
        server.pending.warn(diag);
    }
    for item in items {
        match item {
            Item::Step(step) => server.step(*step)?,
            Item::Reset => server.children.clear(),
            Item::Lock(claim) => server.lock(*claim)?,
        }
    }
    Ok(())
}

struct Server {
    out: Out,
    blobs: Arc<RemoteBlobs>,
    real: RealHost,
    /// Handlers that are pending on this host.
    pending: pending::Shared,
    /// The planned host of this run; made by the first step that plans.
    planned: Option<Overlay<RealHost>>,
    children: HashMap<Become, Child>,
    /// Their inputs.
    held: Children,
    /// The run that this host is held for.
    claim: Option<Claim>,
    /// Another run has the host, and this one does not wait.
    refused: Option<Box<Claim>>,
    /// An epoch with a failure, and the last of its steps that is still performed.
    failed: Option<(u64, u64)>,
}

impl Server {
    /// Holds the host for a run, when no other does.
    fn lock(&mut self, claim: Claim) -> io::Result<()> {
        let out = self.out.clone();
        let mut by = None;
        let taken = lock::take(&claim, |other| {
            by = Some(Box::new(other.clone()));
            let by = Box::new(other.clone());
            // A control side that is gone does not wait.
            let _ = send(&out, &FromAgent::Held { by });
        });
        match taken {
            Ok(true) => self.claim = Some(claim),
            Ok(false) => self.refused = by,
            Err(e) => {
                let text = format!("no lock keeps other runs away: {}", crate::diag::reason(&e));
                let diag = Diag::warning("not-locked", text);
                send(&self.out, &FromAgent::Warning { diag })?;
            }
        }
        Ok(())
    }

    fn step(&mut self, step: Step) -> io::Result<()> {
        let (id, epoch, drop_after) = (step.id, step.epoch, step.drop_after);
        if self.failed.is_some_and(|(e, last)| e == epoch && id > last) {
            return send(&self.out, &FromAgent::Dropped { id });
        }
        if !self.out.begin(&step) {
            // Whoever ends the process does so any moment, or collects what has been.
            return Ok(());
        }
        let start = Instant::now();
        let notify = step.notify.clone();
        let answer = match self.perform(step) {
            Ok(result) => {
                self.pending.ended(&notify, &result);
                if let (true, Some(last)) = (result.is_failed(), drop_after) {
                    self.failed = Some((epoch, last));
                }
                if result.differs() {
                    // Nothing that was sent behind it was planned for this host.
                    self.failed = Some((epoch, id));
                }
                FromAgent::Done {
                    id,
                    result: Box::new(result),
                    duration: start.elapsed().as_secs_f64(),
                }
            }
            Err(diag) => {
                if let Some(last) = drop_after {
                    self.failed = Some((epoch, last));
                }
                FromAgent::Lost { id, diag }
            }
        };
        send(&self.out, &answer)
    }

    fn perform(&mut self, step: Step) -> Result<StepResult, Box<Diag>> {
        if let Some(by) = &self.refused {
            return Err(host_locked(by));
        }
        if step.module == "user" && step.mode != Mode::Plan {
            // An agent that still runs as a user keeps that user from being removed; the one that
            // holds the planned host must stay.
            self.children.clear();
        }
        match &step.r#become {
            Some(r#become) if !self.can_act_as(r#become, step.mode) => self.forward(step),
            _ => Ok(self.here(&step)),
        }
    }

    /// True where no other process is needed: it is this very user, or root only plans as another.
    fn can_act_as(&self, r#become: &Become, mode: Mode) -> bool {
        let uid = nix::unistd::geteuid().as_raw();
        if uid == 0 && mode != Mode::Apply {
            return true;
        }
        let user = self.real.user(&r#become.user).ok().and_then(Known::known);
        let same = user.flatten().is_some_and(|user| user.uid == Some(uid));
        same && r#become.flags.is_empty() && r#become.exe.is_none()
    }

    fn forward(&mut self, mut step: Step) -> Result<StepResult, Box<Diag>> {
        let Some(mut r#become) = step.r#become.take() else {
            return Ok(self.here(&step));
        };
        if step.mode == Mode::Plan {
            // The planned host is one, so one process holds it: root, who can read everything. It
            // acts as the user that was asked for.
            step.r#become = Some(r#become.clone());
            r#become.user = "root".to_owned();
        }
        if !self.children.contains_key(&r#become) {
            let mut child = Child::start(&r#become, &self.real)?;
            self.held.add(&child);
            if let (Some(claim), Mode::Apply) = (&self.claim, step.mode) {
                child.claim(claim);
            }
            self.children.insert(r#become.clone(), child);
        }
        let Some(child) = self.children.get_mut(&r#become) else {
            return Err(Diag::error("become", "the child agent is gone"));
        };
        let notify = step.notify.clone();
        step.notify.ask = true;
        step.notify.settles = None;
        let out = self.out.clone();
        if step.background.is_some() {
            out.acts();
        }
        let result = child.perform(step, &self.out, || {
            out.acts();
            self.pending.begin(&notify);
        });
        if result.is_err() {
            self.children.remove(&r#become);
        }
        result
    }

    /// What is noted before the first effect of a step: whatever ends either side then, it is known
    /// that the step has begun, and a handler that it notifies is not forgotten.
    fn before_effect(&self, step: &Step) -> BeforeEffect {
        let notify = step.notify.clone();
        let (out, pending, blobs) = (self.out.clone(), self.pending.clone(), self.blobs.clone());
        Box::new(move || {
            if notify.ask {
                return blobs.may_act();
            }
            out.acts();
            pending.begin(&notify);
            Ok(())
        })
    }

    fn here(&mut self, step: &Step) -> StepResult {
        match step.mode {
            Mode::Apply => {
                let (out, id) = (self.out.clone(), step.id);
                self.real.set_step(step.environment.clone(), None);
                if let Some(background) = &step.background {
                    self.out.acts();
                    return job::start(step, background, &self.real);
                }
                self.real.on_line = Some(Box::new(move |line| {
                    let line = line.to_owned();
                    // A control side that is gone is noticed when the step ends.
                    let _ = send(&out, &FromAgent::Live { id, line });
                }));
                self.real.before_effect = Some(self.before_effect(step));
                run(step, &mut self.real)
            }
            Mode::Trial => match real_host(&self.blobs) {
                Ok(real) => {
                    let mut trial = Overlay::new(real);
                    trial.check = true;
                    dry(step, &mut trial)
                }
                Err(e) => StepResult::failed(Diag::error("agent", e.to_string())),
            },
            Mode::Plan => {
                if self.planned.is_none() {
                    match real_host(&self.blobs) {
                        Ok(real) => self.planned = Some(Overlay::new(real)),
                        Err(e) => {
                            return StepResult::failed(Diag::error("agent", e.to_string()));
                        }
                    }
                }
                match &mut self.planned {
                    Some(planned) => dry(step, planned),
                    None => StepResult::failed(Diag::error("agent", "there is no planned host")),
                }
            }
        }
    }
}

/// The error of a run that does not wait for another one.
fn host_locked(by: &Claim) -> Box<Diag> {
    let message = format!("another run has the host: {}", by.shown());
    Diag::error("host-locked", message)
}

fn real_host(blobs: &Arc<RemoteBlobs>) -> io::Result<RealHost> {
    RealHost::new()
        .map(|host| host.with_blobs(Shared(blobs.clone())))
        .map_err(|diag| io::Error::other(diag.message))
}

/// Runs a step on a planned host, as the user it would run as.
fn dry(step: &Step, host: &mut Overlay<RealHost>) -> StepResult {
    host.base_mut().set_step(step.environment.clone(), None);
    let acting = match &step.r#become {
        Some(r#become) => host.become_user(&r#become.user, step.environment.clone()),
        None => {
            host.become_self();
            Ok(())
        }
    };
    match acting {
        Ok(()) => run(step, host),
        Err(diag) => StepResult::failed(diag),
    }
}

fn run(step: &Step, host: &mut dyn Host) -> StepResult {
    modules::run(&step.module, &step.args, host, &step.flags)
}
