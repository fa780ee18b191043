//! What was sent and not answered yet: what has to be sent again when a connection is made anew, and
//! what must not be.

use crate::diag::Diag;
use crate::modules::{self, Kind, StepResult};
use crate::wire::{Attached, FromAgent, Mode, Step, ToAgent};
use std::collections::VecDeque;

/// Messages in the order they were sent, those that were answered taken off the front.
#[derive(Default)]
pub struct Outbox {
    sent: VecDeque<ToAgent>,
    /// Messages that are not here any more.
    gone: u64,
    /// The last step that was answered.
    answered: u64,
}

/// What to do on a new connection.
#[derive(Default)]
pub struct Again {
    /// Numbers of messages in the outbox that are sent again, in order.
    pub send: Vec<usize>,
    /// Answers that nobody else can give.
    pub made: Vec<FromAgent>,
}

impl Outbox {
    /// Keeps a message that was sent, or would have been.
    pub fn push(&mut self, message: ToAgent) {
        self.sent.push_back(message);
    }

    /// The message with a number.
    pub fn get(&self, number: usize) -> Option<&ToAgent> {
        self.sent.get(number)
    }

    /// The last step that was answered.
    pub fn last_answered(&self) -> u64 {
        self.answered
    }

    /// The step whose answer comes next.
    pub fn first(&self) -> Option<u64> {
        self.steps().next().map(|(_, step)| step.id)
    }

    fn steps(&self) -> impl Iterator<Item = (usize, &Step)> {
        let numbered = self.sent.iter().enumerate();
        numbered.filter_map(|(number, message)| match message {
            ToAgent::Step(step) => Some((number, &**step)),
            _ => None,
        })
    }

    /// A step was answered; everything before it has arrived too.
    pub fn answered(&mut self, id: u64) {
        self.answered = self.answered.max(id);
        while let Some(first) = self.first()
            && first <= id
        {
            while let Some(message) = self.sent.pop_front() {
                self.gone += 1;
                if matches!(message, ToAgent::Step(_)) {
                    break;
                }
            }
        }
    }

    /// What is to be done where the session was attached to. `has` are the steps whose answers came
    /// with it.
    ///
    /// An agent that survived says how many messages it has. One that came after it knows from the
    /// journal which steps had begun: a step that had not is sent again. Of one that had, nobody
    /// knows how far it came: a module that describes a state looks and does what is missing, so it
    /// is sent again too; anything else (a command) is answered with a failure that says so. Where
    /// the host was restarted the journal may lack its end, and every step counts as begun.
    pub fn again(&self, attached: &Attached, has: &[u64]) -> Again {
        let mut again = Again::default();
        if attached.survivor {
            let missing = usize::try_from(attached.received.saturating_sub(self.gone));
            again.send = (missing.unwrap_or(usize::MAX)..self.sent.len()).collect();
            return again;
        }
        let mut dropped: Option<(u64, u64)> = None;
        for (number, message) in self.sent.iter().enumerate() {
            let ToAgent::Step(step) = message else {
                again.send.push(number);
                continue;
            };
            let id = step.id;
            if has.contains(&id) {
                continue;
            }
            if dropped.is_some_and(|(epoch, last)| epoch == step.epoch && id > last) {
                again.made.push(FromAgent::Dropped { id });
                continue;
            }
            let noted = attached.keys.iter().any(|(known, _)| *known == id);
            let begun = !attached.reliable || noted || id == attached.begun;
            // The planned host was in the memory of the agent, with what earlier steps would do.
            let planned = step.mode == Mode::Plan && self.answered > 0;
            if !planned && (!begun || can_be_repeated(step)) {
                again.send.push(number);
                continue;
            }
            if let Some(last) = step.drop_after {
                dropped = Some((step.epoch, last));
            }
            again.made.push(FromAgent::Done {
                id,
                result: Box::new(match planned {
                    true => lost_plan(),
                    false => unknown_outcome(attached.reliable),
                }),
                duration: 0.0,
            });
        }
        again
    }
}

/// True for a step that does only what is missing, or nothing at all.
pub fn can_be_repeated(step: &Step) -> bool {
    if step.mode != Mode::Apply {
        return true;
    }
    let entry = modules::find(&step.module);
    entry.is_some_and(|entry| matches!((entry.kind)(&step.args), Ok(Kind::Resource)))
        && step.background.is_none()
}

fn lost_plan() -> StepResult {
    let text = "the agent came to its end, and with it what was planned on this host";
    StepResult::failed(Diag::error("plan-lost", text).help("plan again"))
}

/// The result of a step that had begun when its agent came to its end.
pub fn unknown_outcome(reliable: bool) -> StepResult {
    let why = match reliable {
        true => "the agent came to its end while this step ran",
        false => "the host was restarted when this step had been sent",
    };
    let diag = Diag::error(
        "unknown-outcome",
        format!("it is not known whether this step was carried out: {why}"),
    )
    .help("it was not run again; look at the host, then `gxdeploy resume` begins with this step");
    StepResult::failed(diag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::SourceMap;
    use crate::modules::Flags;
    use proptest::prelude::*;
    use serde_json::json;

    fn step(id: u64, module: &str) -> ToAgent {
        let args = match module {
            "file" => json!({"path": "/x", "state": "directory"}),
            _ => json!({"cmd": "x"}),
        };
        let entry = modules::find(module).unwrap();
        let args = (entry.check)(&crate::value::from_json(&args), &SourceMap::default()).unwrap();
        ToAgent::Step(Box::new(Step {
            id,
            key: format!("k{id}"),
            answered: 0,
            private: false,
            epoch: 1,
            module: module.to_owned(),
            args,
            flags: Flags::default(),
            mode: Mode::Apply,
            environment: std::collections::BTreeMap::new(),
            r#become: None,
            drop_after: Some(id),
            notify: crate::wire::Notify::default(),
            background: None,
        }))
    }

    fn outbox(modules: &[&str]) -> Outbox {
        let mut outbox = Outbox::default();
        for (id, module) in (1..).zip(modules) {
            outbox.push(step(id, module));
        }
        outbox
    }

    fn made(again: &Again) -> Vec<String> {
        let said = again.made.iter().map(|answer| match answer {
            FromAgent::Done { id, .. } => format!("unknown {id}"),
            FromAgent::Dropped { id } => format!("dropped {id}"),
            _ => "?".to_owned(),
        });
        said.collect()
    }

    #[test]
    fn after_an_agent_that_is_gone() {
        let outbox = outbox(&["shell", "shell", "shell", "shell"]);
        let mut attached = Attached {
            begun: 2,
            reliable: true,
            ..Attached::default()
        };
        // The first is in the journal, the second had begun, those behind it are dropped.
        let again = outbox.again(&attached, &[1]);
        assert_eq!(made(&again), ["unknown 2", "dropped 3", "dropped 4"]);
        assert_eq!(again.send, [0; 0]);
        attached.begun = 1;
        let again = outbox.again(&attached, &[1]);
        assert_eq!(again.send, [1, 2, 3], "none of them had begun");
        attached.reliable = false;
        let again = outbox.again(&attached, &[]);
        assert_eq!(made(&again)[0], "unknown 1");
    }

    #[test]
    fn a_plan_does_not_outlive_its_agent() {
        let mut outbox = outbox(&["file", "file", "file"]);
        for message in &mut outbox.sent {
            if let ToAgent::Step(step) = message {
                step.mode = Mode::Plan;
            }
        }
        let attached = Attached::default();
        let again = outbox.again(&attached, &[]);
        assert_eq!(again.send, [0, 1, 2], "nothing was planned yet");
        outbox.answered(1);
        let again = outbox.again(&attached, &[]);
        assert_eq!(made(&again), ["unknown 2", "dropped 3"]);
    }

    #[test]
    fn what_describes_a_state_is_looked_at_again() {
        let outbox = outbox(&["file", "shell"]);
        let attached = Attached {
            begun: 1,
            reliable: true,
            ..Attached::default()
        };
        let again = outbox.again(&attached, &[]);
        assert_eq!((again.send, again.made.len()), (vec![0, 1], 0));
    }

    proptest! {
        /// Whatever is cut where: an agent that survives gets every message once, in order.
        #[test]
        fn nothing_is_lost_and_nothing_comes_twice(
            cuts in proptest::collection::vec((0usize..6, 0usize..6, 0u64..6), 1..20)
        ) {
            let mut outbox = Outbox::default();
            let (mut arrived, mut answered, mut next) = (Vec::new(), 0u64, 1u64);
            for (sent, lost, answers) in cuts {
                // Some messages arrive, the last ones do not.
                let messages = sent.max(lost);
                for number in 0..messages {
                    outbox.push(step(next, "shell"));
                    if number < messages - lost {
                        arrived.push(next);
                    }
                    next += 1;
                }
                answered = (answered + answers).min(arrived.len() as u64);
                if answered > 0 {
                    outbox.answered(answered);
                }
                let attached = Attached {
                    survivor: true,
                    received: arrived.len() as u64,
                    ..Attached::default()
                };
                for number in outbox.again(&attached, &[]).send {
                    if let Some(ToAgent::Step(step)) = outbox.get(number) {
                        arrived.push(step.id);
                    }
                }
                prop_assert_eq!(&arrived, &(1..next).collect::<Vec<_>>());
            }
        }
    }
}
