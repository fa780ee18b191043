//! What hosts know of steps whose answers an earlier attempt at the run did not live to see.

use super::connect;
use super::host::HostRun;
use super::record::Line;
use super::replay::Open;
use super::session::attach;
use super::stream::Stream;
use crate::diag::{Diag, Result};
use crate::modules::StepResult;
use crate::output::Event;
use crate::wire::{Attach, FromAgent, Hello, ToAgent};
use std::sync::PoisonError;

impl HostRun {
    /// Asks the agents of sessions that this host has left open in this play.
    ///
    /// # Errors
    /// `connection`: a host that may know something cannot be asked.
    pub fn collect_earlier(&mut self) -> Result<()> {
        for open in self.left_open() {
            let (steps, running) = self.collect(&open)?;
            let Some(replay) = &self.run.replay else {
                return Ok(());
            };
            let mut replay = replay.write().unwrap_or_else(PoisonError::into_inner);
            for (key, result) in steps {
                replay.add(&self.host, &key, result);
            }
            drop(replay);
            if let Some(record) = &self.run.record {
                for (noted, result) in running {
                    record.note_found(&self.host, &noted, result);
                }
                record.note(&Line::Closed { name: open.name });
            }
        }
        Ok(())
    }

    fn left_open(&self) -> Vec<Open> {
        let Some(replay) = &self.run.replay else {
            return Vec::new();
        };
        let replay = replay.read().unwrap_or_else(PoisonError::into_inner);
        let place = self.play.number.to_string();
        let ours = |open: &&Open| open.host == self.host && open.place == place;
        replay.sessions.iter().filter(ours).cloned().collect()
    }

    /// Results by key, `None` where nobody knows; and those that are to be written down.
    #[expect(clippy::type_complexity, reason = "two lists of pairs")]
    fn collect(
        &self,
        open: &Open,
    ) -> Result<(Vec<(String, Option<StepResult>)>, Vec<(String, StepResult)>)> {
        let answered = match &self.run.replay {
            Some(replay) => replay
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .answered(&open.name),
            None => 0,
        };
        let link = connect::again(&self.run, &self.play, &open.target)?;
        let (stream, _) = Stream::open(link, &self.run.blobs)?;
        let hello = Hello {
            session: open.name.clone(),
            grace: 0,
            claim: None,
            journal: true,
            attach: Some(Attach {
                answered,
                another: true,
            }),
        };
        let (attached, mut answers) = attach(&stream, hello)?;
        if attached.running.is_some() {
            let text = format!(
                "host {}: waiting for the step that still runs from the attempt before",
                self.host
            );
            let diag = Diag::warning("still-running", text);
            self.run.collector().event(&Event::Message(diag));
        }
        while let Some(running) = attached.running
            && !answers.iter().any(|a| matches!(a, FromAgent::Done { id, .. } | FromAgent::Lost { id, .. } if *id == running))
        {
            match stream.next(None) {
                Ok(Some(answer)) => answers.push(answer),
                _ => break,
            }
        }
        let _ = stream.say(&ToAgent::Bye);
        let mut steps = Vec::new();
        let mut found = Vec::new();
        for (id, key) in attached.keys.into_iter().filter(|(_, key)| !key.is_empty()) {
            let result = answers.iter().find_map(|answer| match answer {
                FromAgent::Done {
                    id: done, result, ..
                } if *done == id => Some(&**result),
                _ => None,
            });
            if let Some(result) = result {
                found.push((key.clone(), result.clone()));
            }
            steps.push((key, result.cloned()));
        }
        Ok((steps, found))
    }
}
