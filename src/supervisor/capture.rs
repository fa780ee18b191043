//! Tagged output: what a process writes between two marks becomes an event, the rest is log.

/// Begins what is captured.
const BEGIN: &[u8] = b"<!--XSUPERVISOR:BEGIN-->";
/// Ends it.
const END: &[u8] = b"<!--XSUPERVISOR:END-->";

/// A piece of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// For the log.
    Log(Vec<u8>),
    /// Was between the marks.
    Captured(Vec<u8>),
}

/// The capture of one channel.
#[derive(Debug)]
pub struct Capture {
    max: usize,
    inside: Option<Vec<u8>>,
    pending: Vec<u8>,
}

impl Capture {
    /// Keeps the last `max` bytes between two marks.
    pub fn new(max: usize) -> Capture {
        Capture {
            max,
            inside: None,
            pending: Vec::new(),
        }
    }

    /// What was read; a mark may be cut anywhere.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut rest = std::mem::take(&mut self.pending);
        rest.extend_from_slice(bytes);
        loop {
            let mark = if self.inside.is_some() { END } else { BEGIN };
            let at = rest.windows(mark.len()).position(|w| w == mark);
            let upto = at.unwrap_or(rest.len() - cut_mark(&rest, mark));
            match &mut self.inside {
                Some(inside) => {
                    inside.extend_from_slice(&rest[..upto]);
                    inside.drain(..inside.len().saturating_sub(self.max));
                }
                None if upto > 0 => pieces.push(Piece::Log(rest[..upto].to_vec())),
                None => {}
            }
            let Some(at) = at else {
                self.pending = rest.split_off(upto);
                return pieces;
            };
            rest.drain(..at + mark.len());
            self.inside = match self.inside.take() {
                Some(inside) => {
                    pieces.push(Piece::Captured(inside));
                    None
                }
                None => Some(Vec::new()),
            };
        }
    }

    /// What is left when the channel is closed: the start of a mark that never came is log.
    pub fn finish(&mut self) -> Vec<u8> {
        let pending = std::mem::take(&mut self.pending);
        match self.inside.take() {
            Some(_) => Vec::new(),
            None => pending,
        }
    }
}

/// Bytes at the end of `text` that may be the start of `mark`.
fn cut_mark(text: &[u8], mark: &[u8]) -> usize {
    let most = text.len().min(mark.len() - 1);
    let fits = |n: &usize| mark.starts_with(&text[text.len() - n..]);
    (1..=most).rev().find(fits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_bytes_are_kept() {
        let text = b"a<!--XSUPERVISOR:BEGIN-->12345<!--XSUPERVISOR:END-->b<!--X";
        let mut capture = Capture::new(3);
        assert_eq!(
            capture.feed(text),
            [
                Piece::Log(b"a".to_vec()),
                Piece::Captured(b"345".to_vec()),
                Piece::Log(b"b".to_vec())
            ]
        );
        assert_eq!(capture.finish(), b"<!--X");
    }

    proptest! {
        #[test]
        fn wherever_it_is_cut(cut in 1_usize..40) {
            let text = b"log 1\n<!--XSUPERVISOR:BEGIN-->caught<!--XSUPERVISOR:END-->log 2\n<!-";
            let mut capture = Capture::new(100);
            let (mut log, mut caught) = (Vec::new(), Vec::new());
            for piece in text.chunks(cut).flat_map(|c| capture.feed(c)) {
                match piece {
                    Piece::Log(bytes) => log.extend(bytes),
                    Piece::Captured(bytes) => caught.extend(bytes),
                }
            }
            log.extend(capture.finish());
            prop_assert_eq!(log, b"log 1\nlog 2\n<!-");
            prop_assert_eq!(caught, b"caught");
        }
    }
}
