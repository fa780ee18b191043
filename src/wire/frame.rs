//! Frames on a byte stream.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Read, Write};

/// No frame is larger (1 GiB): a length beyond it means that the stream is no gxdeploy stream.
const MAX: usize = 1 << 30;

/// From here on a second write costs less than a copy.
const LONG: usize = 64 << 10;

/// One frame as read.
#[derive(Debug)]
pub enum Frame<M> {
    /// A message.
    Message(M),
    /// The bytes of a content.
    Blob(Vec<u8>),
    /// The other side is gone.
    End,
}

/// Reads one frame. The end of the stream between two frames is [`Frame::End`]; inside one it is
/// an error, so a cut never passes for an end.
pub fn read_frame<M: DeserializeOwned>(from: &mut impl Read) -> io::Result<Frame<M>> {
    let mut head = [0u8; 5];
    let mut filled = 0;
    while filled < head.len() {
        match from.read(&mut head[filled..]) {
            Ok(0) if filled == 0 => return Ok(Frame::End),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    let len = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
    if len > MAX || !matches!(head[4], b'J' | b'B') {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "not a gxdeploy stream: {:?}",
                String::from_utf8_lossy(&head)
            ),
        ));
    }
    let mut payload = vec![0; len];
    from.read_exact(&mut payload)?;
    if head[4] == b'B' {
        return Ok(Frame::Blob(payload));
    }
    serde_json::from_slice(&payload)
        .map(Frame::Message)
        .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

/// Writes a message and flushes.
pub fn write_message(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let payload = serde_json::to_vec(message)?;
    write_frame(to, b'J', &payload)
}

/// Writes a content and flushes.
pub fn write_blob(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    write_frame(to, b'B', bytes)
}

/// The frame of a message that is JSON already.
pub fn frame_of(payload: &[u8]) -> io::Result<Vec<u8>> {
    frame(b'J', payload)
}

fn write_frame(to: &mut impl Write, kind: u8, payload: &[u8]) -> io::Result<()> {
    if payload.len() < LONG {
        to.write_all(&frame(kind, payload)?)?;
    } else {
        to.write_all(&head(kind, payload)?)?;
        to.write_all(payload)?;
    }
    to.flush()
}

fn head(kind: u8, payload: &[u8]) -> io::Result<[u8; 5]> {
    let len = u32::try_from(payload.len())
        .ok()
        .filter(|len| *len as usize <= MAX)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "frame larger than 1 GiB"))?;
    let [a, b, c, d] = len.to_be_bytes();
    Ok([a, b, c, d, kind])
}

fn frame(kind: u8, payload: &[u8]) -> io::Result<Vec<u8>> {
    let head = head(kind, payload)?;
    let mut frame = Vec::with_capacity(payload.len() + head.len());
    frame.extend_from_slice(&head);
    frame.extend_from_slice(payload);
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_and_cuts_are_errors() {
        let mut stream = Vec::new();
        write_message(&mut stream, &"hello").unwrap();
        write_blob(&mut stream, b"\0\xff").unwrap();
        let mut from = &stream[..];
        assert!(
            matches!(read_frame::<String>(&mut from).unwrap(), Frame::Message(m) if m == "hello")
        );
        assert!(
            matches!(read_frame::<String>(&mut from).unwrap(), Frame::Blob(b) if b == b"\0\xff")
        );
        assert!(matches!(
            read_frame::<String>(&mut from).unwrap(),
            Frame::End
        ));
        for cut in 1..stream.len() {
            let mut from = &stream[..cut];
            let mut result = read_frame::<String>(&mut from);
            while matches!(result, Ok(Frame::Message(_))) {
                result = read_frame::<String>(&mut from);
            }
            assert!(!matches!(result, Ok(Frame::Blob(_))), "cut at {cut}");
        }
        let mut noise = &b"Last login: Tue\n"[..];
        assert!(read_frame::<String>(&mut noise).is_err());
    }
}
