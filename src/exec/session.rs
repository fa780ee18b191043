//! One host's agent: steps go out as they are rendered, answers come back in order. A session
//! outlives its connection.

use super::blobs::Blobs;
use super::outbox::Outbox;
use super::patience::Patience;
use super::stream::{Gone, Stream};
use crate::diag::{Diag, Result};
use crate::transport::{Again, Link};
use crate::wire::{Attach, Attached, FromAgent, Hello, PendingHandler, Step, ToAgent};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A session with an agent. Dropping it ends the agent, and what it runs.
pub struct Session {
    stream: Option<Stream>,
    blobs: Arc<Blobs>,
    hello: Hello,
    way: Option<Way>,
    outbox: Outbox,
    /// Answers that have come with a new connection, or that only this side can give.
    ahead: VecDeque<FromAgent>,
    next_id: u64,
    epoch: u64,
    waiting: bool,
    /// The user does not want to go on.
    interrupted: Arc<AtomicBool>,
    /// The host's name in the inventory.
    host: String,
    /// The agent is on this machine.
    pub local: bool,
    /// Handlers that the host knows to be pending.
    pub pending: BTreeSet<PendingHandler>,
    /// A connection that breaks is made anew. Not where the host is expected to go away.
    pub recovers: bool,
}

/// How a connection is made anew.
pub struct Way {
    /// The host as shown.
    pub host: String,
    /// Makes another one.
    pub open: Box<dyn Fn() -> Result<Link> + Send>,
    /// How long that is tried.
    pub limit: Duration,
    /// Tells the user.
    pub tell: Box<dyn Fn(Box<Diag>) + Send>,
    /// The user does not want it any more.
    pub interrupted: Arc<AtomicBool>,
}

/// How long an agent may take to say what it knows.
const PATIENCE: Duration = Duration::from_secs(30);

/// The code of what ends a wait after Ctrl-C.
pub const INTERRUPTED: &str = "interrupted";

/// How often it is looked whether the user still wants to wait.
const LOOK: Duration = Duration::from_millis(200);

/// How long an agent may take to end what it runs.
const CANCEL: Duration = Duration::from_secs(8);

impl Session {
    /// Begins a session with an agent that has answered. Without a `way` it ends with the connection.
    pub fn begin(
        (stream, pending): (Stream, Vec<PendingHandler>),
        blobs: Arc<Blobs>,
        hello: Hello,
        way: Option<Way>,
        interrupted: &Arc<AtomicBool>,
        host: &str,
    ) -> Session {
        // Should it be gone already, the first step notices.
        let _ = stream.say(&ToAgent::Hello(Box::new(hello.clone())));
        if way.is_some() {
            stream.keep_alive();
        }
        Session {
            stream: Some(stream),
            blobs,
            hello,
            recovers: way.is_some(),
            way,
            outbox: Outbox::default(),
            ahead: VecDeque::new(),
            next_id: 1,
            epoch: 1,
            waiting: false,
            interrupted: interrupted.clone(),
            local: false,
            pending: own(pending, host),
            host: host.to_owned(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.hello.session
    }

    /// True where every step has its answer.
    pub fn is_through(&self) -> bool {
        self.next_id == self.outbox.last_answered() + 1
    }

    /// True where there is a way to make the connection anew.
    pub fn can_recover(&self) -> bool {
        self.way.is_some()
    }

    /// The number that the next step will have.
    pub fn next_id(&self) -> u64 {
        self.next_id
    }

    /// Sends a step; its number and epoch are set here.
    ///
    /// # Errors
    /// `connection-lost`.
    pub fn send(&mut self, mut step: Step) -> Result<u64> {
        step.id = self.next_id;
        step.epoch = self.epoch;
        step.answered = self.outbox.last_answered();
        let id = step.id;
        self.say(ToAgent::Step(Box::new(step)))?;
        self.next_id += 1;
        self.waiting = false;
        Ok(id)
    }

    /// Ends the child agents of other users (`meta: reset_connection`).
    ///
    /// # Errors
    /// `connection-lost`.
    pub fn reset(&mut self) -> Result<()> {
        self.say(ToAgent::Reset)
    }

    /// Has handlers noted on the host, or forgotten. What is said reaches the record even if this
    /// side ends at once; there is no answer.
    ///
    /// # Errors
    /// `connection-lost`.
    pub fn note(&mut self, add: Vec<PendingHandler>, remove: Vec<PendingHandler>) -> Result<()> {
        self.pending.extend(add.iter().cloned());
        self.pending.retain(|handler| !remove.contains(handler));
        self.say(ToAgent::Pending { add, remove })
    }

    /// The next answer; waits for it.
    ///
    /// # Errors
    /// `connection-lost`.
    pub fn receive(&mut self) -> Result<FromAgent> {
        loop {
            if let Some(answer) = self.await_answer(None)? {
                return Ok(answer);
            }
        }
    }

    /// The next answer, if it comes before a moment.
    ///
    /// # Errors
    /// `connection-lost`.
    pub fn receive_until(&mut self, deadline: Instant) -> Result<Option<FromAgent>> {
        self.await_answer(Some(deadline))
    }

    fn await_answer(&mut self, deadline: Option<Instant>) -> Result<Option<FromAgent>> {
        if let Some(answer) = self.poll() {
            return Ok(Some(answer));
        }
        let Some(stream) = &self.stream else {
            self.recover()?;
            return Ok(self.poll());
        };
        if !std::mem::replace(&mut self.waiting, true) {
            stream.traffic.waits();
        }
        loop {
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(Diag::error(INTERRUPTED, "the run was interrupted"));
            }
            let moment = Instant::now() + LOOK;
            let until = deadline.map_or(moment, |deadline| deadline.min(moment));
            match stream.next(Some(until)) {
                Ok(None) if deadline.is_none_or(|deadline| Instant::now() < deadline) => {}
                Ok(answer) => return Ok(answer.map(|answer| self.took(answer))),
                Err(Gone) => {
                    self.recover()?;
                    return Ok(self.poll());
                }
            }
        }
    }

    /// Has the agent end what it runs; returns the answers that had not come yet. Nothing can be sent
    /// afterwards.
    pub fn cancel(&mut self) -> Vec<FromAgent> {
        let mut answers: Vec<FromAgent> = std::iter::from_fn(|| self.poll()).collect();
        let deadline = Instant::now() + CANCEL;
        if let Some(stream) = &self.stream
            && stream.say(&ToAgent::Cancel).is_ok()
        {
            while let Ok(Some(answer)) = stream.next(Some(deadline)) {
                if matches!(answer, FromAgent::Cancelled) {
                    self.next_id = self.outbox.last_answered() + 1;
                    break;
                }
                answers.push(answer);
            }
        }
        for id in answers.iter().filter_map(number) {
            self.outbox.answered(id);
        }
        answers
    }

    /// The next answer, if there is one already.
    pub fn poll(&mut self) -> Option<FromAgent> {
        if let Some(answer) = self.ahead.front() {
            // What only this side can answer comes when it is its turn.
            if number(answer).is_none_or(|id| self.outbox.first().is_none_or(|first| id <= first)) {
                let answer = self.ahead.pop_front()?;
                return Some(self.took(answer));
            }
        }
        let answer = self.stream.as_ref()?.poll()?;
        Some(self.took(answer))
    }

    fn took(&mut self, answer: FromAgent) -> FromAgent {
        if let Some(id) = number(&answer) {
            self.outbox.answered(id);
        }
        answer
    }

    /// What is sent from now on does not belong to what failed.
    pub fn new_epoch(&mut self) {
        self.epoch += 1;
    }

    fn say(&mut self, message: ToAgent) -> Result<()> {
        let said = match &self.stream {
            Some(stream) => stream.say(&message),
            None => Err(Gone),
        };
        if self.way.is_some() {
            // Should it be lost, it is sent again on the next connection.
            self.outbox.push(message);
        }
        match said {
            Err(Gone) if !self.recovers => Err(lost()),
            _ => Ok(()),
        }
    }

    /// The connection is gone: makes another one and goes on where the session was.
    fn recover(&mut self) -> Result<()> {
        if let Some(stream) = self.stream.take() {
            stream.abandon();
        }
        let Some(way) = self.way.take_if(|_| self.recovers) else {
            return Err(lost());
        };
        let mut patience = Patience::new(way.limit, 0, &way.interrupted).failing();
        (way.tell)(Diag::warning(
            "connection-lost",
            format!(
                "host {}: the connection was lost, connecting again",
                way.host
            ),
        ));
        let found = loop {
            let last = match self.connect_again(&way) {
                Ok(found) => break Ok(found),
                Err(diag) => diag,
            };
            if !patience.wait(Again::Broke) {
                break Err(last);
            }
        };
        let (attached, answers) = found.map_err(|last| {
            let text = format!(
                "the connection to the agent was lost and could not be made again within {} s: {}",
                way.limit.as_secs(),
                last.message
            );
            Diag::error("connection-lost", text)
        })?;
        let again = self.go_on(&attached, answers);
        (way.tell)(Diag::warning(
            "connected-again",
            format!(
                "host {}: connected again after {:.1} s{again}",
                way.host,
                patience.elapsed().as_secs_f64()
            ),
        ));
        self.way = Some(way);
        Ok(())
    }

    /// One attempt: what the agent knows, and the answers that had not come.
    fn connect_again(&mut self, way: &Way) -> Result<(Attached, Vec<FromAgent>)> {
        let (stream, _) = Stream::open((way.open)()?, &self.blobs)?;
        let hello = Hello {
            attach: Some(Attach {
                answered: self.outbox.last_answered(),
                another: false,
            }),
            ..self.hello.clone()
        };
        let (attached, answers) = attach(&stream, hello)?;
        stream.keep_alive();
        self.stream = Some(stream);
        Ok((attached, answers))
    }

    /// Sends again what the agent does not have. Tells what was found, for a message.
    fn go_on(&mut self, attached: &Attached, answers: Vec<FromAgent>) -> String {
        let has: Vec<u64> = answers.iter().filter_map(number).collect();
        let again = self.outbox.again(attached, &has);
        self.pending = own(attached.pending.clone(), &self.host);
        // A step is answered once: what waited here has come again.
        self.ahead.clear();
        self.ahead.extend(answers);
        self.ahead.extend(again.made);
        for message in again.send.iter().filter_map(|n| self.outbox.get(*n)) {
            let said = self.stream.as_ref().map(|stream| stream.say(message));
            if !matches!(said, Some(Ok(()))) {
                // Noticed by whoever waits for an answer.
                break;
            }
        }
        let agent = match attached.survivor {
            true => "",
            false => "; its agent was gone",
        };
        match has.len() {
            0 => agent.to_owned(),
            1 => format!("{agent}; 1 result was waiting"),
            n => format!("{agent}; {n} results were waiting"),
        }
    }
}

/// Says on a new connection which session it is for. Returns what the agent knows, and the answers
/// that came first.
///
/// # Errors
/// `connection-lost`: this connection is gone too.
pub fn attach(stream: &Stream, hello: Hello) -> Result<(Attached, Vec<FromAgent>)> {
    let gone = |Gone| lost();
    stream.say(&ToAgent::Hello(Box::new(hello))).map_err(gone)?;
    let mut answers = Vec::new();
    loop {
        match stream.next(Some(Instant::now() + PATIENCE)).map_err(gone)? {
            Some(FromAgent::Attached(attached)) => return Ok((*attached, answers)),
            Some(answer) => answers.push(answer),
            None => {
                return Err(Diag::error("connection-lost", "the agent does not answer"));
            }
        }
    }
}

/// The handlers of one of the names that a machine may have.
fn own(pending: Vec<PendingHandler>, host: &str) -> BTreeSet<PendingHandler> {
    let own = pending.into_iter().filter(|handler| handler.host == host);
    own.collect()
}

/// The step that an answer is about.
fn number(answer: &FromAgent) -> Option<u64> {
    match answer {
        FromAgent::Done { id, .. } | FromAgent::Lost { id, .. } | FromAgent::Dropped { id } => {
            Some(*id)
        }
        _ => None,
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(stream) = &self.stream {
            // One that is gone ends by itself.
            let _ = stream.say(&ToAgent::Bye);
        }
    }
}

/// The error of a connection that cannot be made again.
pub fn lost() -> Box<Diag> {
    Diag::error("connection-lost", "the connection to the agent was lost")
}
