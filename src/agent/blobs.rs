//! Contents that the control side holds, fetched when a step needs their bytes.
//!
//! Several requests are under way at once, so that a slow connection is kept busy; small contents of
//! one step are asked for together, large ones in pieces that are not held in memory.

use super::line::{Out, send};
use crate::diag::{Diag, Result};
use crate::sys::Blob;
use crate::sys::blobs::{Blobs, Sink};
use crate::sys::naming::Namer;
use crate::wire::{FromAgent, Piece};
use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the control side has answered.
#[derive(Debug)]
pub enum Delivery {
    /// The answer to [`FromAgent::Acting`].
    Act,
    /// Pieces, one after the other, with the length of each.
    Pieces(Vec<Option<usize>>, Vec<u8>),
}

/// Asks for contents over the wire and keeps small ones for a while.
pub struct RemoteBlobs {
    out: Out,
    state: Mutex<State>,
}

struct State {
    deliveries: Receiver<Delivery>,
    /// Contents that the step will need, in its order, and that were not asked for.
    wanted: VecDeque<Blob>,
    /// What was asked for and has no answer yet.
    asked: VecDeque<Asked>,
    kept: HashMap<String, Arc<[u8]>>,
    kept_bytes: usize,
}

enum Asked {
    Act,
    Pieces(Vec<Piece>),
}

/// Requests that are under way at most.
const UNDER_WAY: usize = 8;

/// Small contents are kept, as the same often goes to several places, until they are this much.
const KEEP: usize = 32 << 20;

impl RemoteBlobs {
    /// Contents that are asked for on `out` and arrive on `deliveries`.
    pub fn new(out: Out, deliveries: Receiver<Delivery>) -> RemoteBlobs {
        RemoteBlobs {
            out,
            state: Mutex::new(State {
                deliveries,
                wanted: VecDeque::new(),
                asked: VecDeque::new(),
                kept: HashMap::new(),
                kept_bytes: 0,
            }),
        }
    }

    /// Tells the parent agent that a step is about to have its first effect, and waits until it may.
    ///
    /// # Errors
    /// `connection-lost`.
    pub fn may_act(&self) -> Result<()> {
        let mut state = self.lock();
        send(&self.out, &FromAgent::Acting).map_err(|_| lost())?;
        state.asked.push_back(Asked::Act);
        while !state.asked.is_empty() {
            match state.receive()? {
                Got::Act => break,
                Got::Pieces(pieces, lengths, bytes) => state.keep(&pieces, &lengths, &bytes)?,
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, state: &mut State, pieces: Vec<Piece>) -> Result<()> {
        let need = FromAgent::Need { pieces };
        send(&self.out, &need).map_err(|_| lost())?;
        if let FromAgent::Need { pieces } = need {
            state.asked.push_back(Asked::Pieces(pieces));
        }
        Ok(())
    }

    fn small(&self, blob: &Blob) -> Result<Arc<[u8]>> {
        let mut state = self.lock();
        loop {
            if let Some(bytes) = state.kept.get(&blob.name) {
                return Ok(bytes.clone());
            }
            if !state.is_under_way(blob) {
                for pieces in state.next_requests(blob) {
                    self.ask(&mut state, pieces)?;
                }
            }
            if let Got::Pieces(pieces, lengths, bytes) = state.receive()? {
                state.keep(&pieces, &lengths, &bytes)?;
                let asked = pieces.iter().position(|piece| piece.name == blob.name);
                if asked.is_some_and(|at| lengths.get(at) == Some(&None)) {
                    return Err(nobody_has(blob));
                }
            }
        }
    }

    fn large(&self, blob: &Blob, to: &mut Sink<'_>) -> Result<()> {
        let mut state = self.lock();
        let mut namer = Namer::default();
        let (mut asked, mut here) = (0, 0);
        while here < blob.size {
            while asked < blob.size && state.asked.len() < UNDER_WAY {
                let left = usize::try_from(blob.size - asked).unwrap_or(usize::MAX);
                let piece = Piece {
                    name: blob.name.clone(),
                    from: asked,
                    length: left.min(Piece::MOST),
                };
                asked += piece.length as u64;
                self.ask(&mut state, vec![piece])?;
            }
            let Got::Pieces(pieces, lengths, bytes) = state.receive()? else {
                continue;
            };
            // What another step has left under way is not of this content, or not in its place.
            let next = |piece: &Piece| piece.name == blob.name && piece.from == here;
            if !pieces.first().is_some_and(next) {
                state.keep(&pieces, &lengths, &bytes)?;
                continue;
            }
            if lengths.first() == Some(&None) {
                return Err(nobody_has(blob));
            }
            if bytes.len() != pieces.iter().map(|piece| piece.length).sum::<usize>() {
                return Err(damaged(&blob.name));
            }
            here += bytes.len() as u64;
            namer.update(&bytes);
            to(&bytes)?;
        }
        match namer.end() == blob.name {
            true => Ok(()),
            false => Err(damaged(&blob.name)),
        }
    }
}

enum Got {
    Act,
    Pieces(Vec<Piece>, Vec<Option<usize>>, Vec<u8>),
}

impl State {
    /// The next answer. They come in the order of the requests.
    fn receive(&mut self) -> Result<Got> {
        let delivery = self.deliveries.recv().map_err(|_| lost())?;
        match (self.asked.pop_front(), delivery) {
            (Some(Asked::Act), Delivery::Act) => Ok(Got::Act),
            (Some(Asked::Pieces(pieces)), Delivery::Pieces(lengths, bytes)) => {
                Ok(Got::Pieces(pieces, lengths, bytes))
            }
            _ => Err(Diag::error(
                "connection-lost",
                "the control side answered something that it was not asked",
            )),
        }
    }

    fn is_under_way(&self, blob: &Blob) -> bool {
        self.asked.iter().any(|asked| match asked {
            Asked::Act => false,
            Asked::Pieces(pieces) => pieces.iter().any(|piece| piece.name == blob.name),
        })
    }

    /// Requests for a small content and for those that the step wants behind it.
    fn next_requests(&mut self, blob: &Blob) -> Vec<Vec<Piece>> {
        if self.kept_bytes > KEEP {
            self.kept.clear();
            self.kept_bytes = 0;
        }
        if let Some(at) = self.wanted.iter().position(|wanted| wanted == blob) {
            self.wanted.drain(..=at);
        }
        let mut requests = Vec::new();
        let (mut pieces, mut bytes) = (vec![whole(blob)], blob.size);
        while let Some(next) = self.wanted.front().filter(|next| !next.is_large()) {
            if bytes + next.size > Piece::MOST as u64 {
                if self.asked.len() + requests.len() + 1 >= UNDER_WAY {
                    break;
                }
                requests.push(std::mem::take(&mut pieces));
                bytes = 0;
            }
            bytes += next.size;
            let next = self.wanted.pop_front();
            pieces.extend(
                next.filter(|b| !self.kept.contains_key(&b.name))
                    .as_ref()
                    .map(whole),
            );
        }
        requests.push(pieces);
        requests.retain(|pieces| !pieces.is_empty());
        requests
    }

    /// Keeps the whole contents among what has come.
    fn keep(
        &mut self,
        pieces: &[Piece],
        lengths: &[Option<usize>],
        mut bytes: &[u8],
    ) -> Result<()> {
        for (piece, length) in pieces.iter().zip(lengths) {
            let Some(length) = length else { continue };
            let (these, rest) = bytes
                .split_at_checked(*length)
                .ok_or_else(|| damaged(&piece.name))?;
            bytes = rest;
            let mut namer = Namer::default();
            namer.update(these);
            if namer.end() == piece.name {
                self.kept_bytes += these.len();
                self.kept.insert(piece.name.clone(), these.into());
            } else if piece.from == 0 && *length < Piece::MOST {
                return Err(damaged(&piece.name));
            }
        }
        Ok(())
    }
}

fn whole(blob: &Blob) -> Piece {
    Piece {
        name: blob.name.clone(),
        from: 0,
        // A small one.
        length: usize::try_from(blob.size).unwrap_or(Piece::MOST),
    }
}

fn lost() -> Box<Diag> {
    Diag::error("connection-lost", "the control side is gone")
}

fn nobody_has(blob: &Blob) -> Box<Diag> {
    Diag::error("no-content", format!("nobody has content {}", blob.name))
}

fn damaged(name: &str) -> Box<Diag> {
    Diag::error(
        "broken-content",
        format!("content {name} arrived damaged: did the file change during the run?"),
    )
}

/// One agent's contents, as its hosts ask for them.
///
/// Their errors are `connection-lost`, `no-content`, and `broken-content` if the bytes are not what
/// the name says.
pub struct Shared(pub Arc<RemoteBlobs>);

impl Blobs for Shared {
    fn get(&self, blob: &Blob) -> Result<Arc<[u8]>> {
        if !blob.is_large() {
            return self.0.small(blob);
        }
        let mut all = Vec::new();
        self.0.large(blob, &mut |bytes| {
            all.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(all.into())
    }

    fn copy(&self, blob: &Blob, to: &mut Sink<'_>) -> Result<()> {
        match blob.is_large() {
            true => self.0.large(blob, to),
            false => to(&self.0.small(blob)?),
        }
    }

    fn expect(&self, blobs: Vec<Blob>) {
        self.0.lock().wanted = blobs.into();
    }
}
