//! HTTP/1.1 over a Unix socket: one request, one answer.

use super::http::Sink;
use crate::sys::{Request, Response};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// No header line is longer than this.
const MAX_LINE: u64 = 64 * 1024;

/// Sends a request and passes the body of the answer on.
pub(super) fn exchange(
    request: &Request,
    socket: &Path,
    target: &str,
    sink: Sink<'_>,
) -> io::Result<Response> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(request.timeout))?;
    stream.set_write_timeout(Some(request.timeout))?;
    stream.write_all(&head(request, target)?)?;
    stream.write_all(&request.body)?;
    let mut reader = BufReader::new(stream);
    let mut response = loop {
        let response = read_head(&mut reader)?;
        if !(100..200).contains(&response.status) {
            break response;
        }
    };
    response.url = target.to_owned();
    read_body(request, &response, reader, sink)?;
    Ok(response)
}

fn head(request: &Request, target: &str) -> io::Result<Vec<u8>> {
    let mut text = format!("{} {target} HTTP/1.1\r\n", request.method);
    let has = |name: &str| {
        request
            .headers
            .iter()
            .any(|(n, _)| n.eq_ignore_ascii_case(name))
    };
    if !has("host") {
        text.push_str("Host: localhost\r\n");
    }
    if !has("content-length") && (!request.body.is_empty() || request.method == "POST") {
        text.push_str(&format!("Content-Length: {}\r\n", request.body.len()));
    }
    for (name, value) in &request.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if text.matches('\n').count() != text.matches("\r\n").count() || target.contains('\n') {
        return Err(io::Error::other("a header holds a line break"));
    }
    text.push_str("Connection: close\r\n\r\n");
    Ok(text.into_bytes())
}

fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut bytes = Vec::new();
    reader.take(MAX_LINE).read_until(b'\n', &mut bytes)?;
    if bytes.pop() != Some(b'\n') {
        return Err(io::Error::other("the answer ends within a header"));
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn read_head(reader: &mut impl BufRead) -> io::Result<Response> {
    let first = line(reader)?;
    let mut words = first.splitn(3, ' ');
    let (Some(version), Some(status)) = (words.next(), words.next()) else {
        return Err(io::Error::other("the answer is not HTTP"));
    };
    let status = match (version.starts_with("HTTP/1."), status.parse()) {
        (true, Ok(status)) => status,
        _ => return Err(io::Error::other("the answer is not HTTP")),
    };
    let mut response = Response {
        status,
        reason: words.next().unwrap_or_default().to_owned(),
        ..Response::default()
    };
    loop {
        let text = line(reader)?;
        if text.is_empty() {
            return Ok(response);
        }
        if let Some((name, value)) = text.split_once(':') {
            let header = (name.trim().to_owned(), value.trim().to_owned());
            response.headers.push(header);
        }
    }
}

fn read_body(
    request: &Request,
    response: &Response,
    reader: impl BufRead,
    sink: Sink<'_>,
) -> io::Result<()> {
    if request.method == "HEAD" || matches!(response.status, 204 | 304) {
        return sink(&mut io::empty());
    }
    let chunked = response
        .header("transfer-encoding")
        .is_some_and(|v| v.to_ascii_lowercase().contains("chunked"));
    if chunked {
        return sink(&mut Chunks {
            reader,
            left: 0,
            state: State::First,
        });
    }
    match response.header("content-length").map(str::parse::<u64>) {
        Some(Ok(length)) => {
            let mut body = Exactly {
                reader,
                left: length,
            };
            sink(&mut body)
        }
        Some(Err(_)) => Err(io::Error::other("Content-Length is no number")),
        None => {
            let mut reader = reader;
            sink(&mut reader)
        }
    }
}

/// So many bytes, and an error where there are fewer.
struct Exactly<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let n = (&mut self.reader).take(self.left).read(buffer)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= n as u64;
        Ok(n)
    }
}

#[derive(PartialEq)]
enum State {
    First,
    Within,
    Done,
}

/// The chunked transfer coding, without its trailers.
struct Chunks<R> {
    reader: R,
    left: u64,
    state: State,
}

impl<R: BufRead> Read for Chunks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && self.state != State::Done {
            if self.state == State::Within {
                line(&mut self.reader)?;
            }
            self.state = State::Within;
            let size = line(&mut self.reader)?;
            let digits = size.split(';').next().unwrap_or_default().trim();
            self.left = u64::from_str_radix(digits, 16)
                .map_err(|_| io::Error::other("the size of a chunk is no number"))?;
            if self.left == 0 {
                self.state = State::Done;
                while !line(&mut self.reader)?.is_empty() {}
            }
        }
        if self.state == State::Done || buffer.is_empty() {
            return Ok(0);
        }
        let n = (&mut self.reader).take(self.left).read(buffer)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Endpoint;
    use std::os::unix::net::UnixListener;

    fn ask(answer: &'static str) -> io::Result<(Response, Vec<u8>, String)> {
        let dir = tempfile::tempdir()?;
        let socket = dir.path().join("s");
        let listener = UnixListener::bind(&socket)?;
        let server = std::thread::spawn(move || -> io::Result<String> {
            let (mut stream, _) = listener.accept()?;
            let mut buffer = [0; 4096];
            let n = stream.read(&mut buffer)?;
            stream.write_all(answer.as_bytes())?;
            Ok(String::from_utf8_lossy(&buffer[..n]).into_owned())
        });
        let mut request = Request::new("POST", Endpoint::Unix(socket.clone(), "/RPC2".into()));
        request.headers.push(("Accept".into(), "text/xml".into()));
        let mut body = Vec::new();
        let result = exchange(&request, &socket, "/RPC2", &mut |reader| {
            reader.read_to_end(&mut body).map(|_| ())
        });
        let asked = server.join().unwrap()?;
        Ok((result?, body, asked))
    }

    #[test]
    fn the_three_ways_to_end_a_body() {
        let (response, body, asked) =
            ask("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\nContent-length: 2\r\n\r\nhixx")
                .unwrap();
        assert_eq!((response.status, body.as_slice()), (200, &b"hi"[..]));
        assert_eq!(
            asked,
            "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nAccept: text/xml\r\nConnection: close\r\n\r\n"
        );
        let (_, body, _) = ask(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nT: x\r\n\r\n",
        )
        .unwrap();
        assert_eq!(body, b"abcd");
        let (_, body, _) = ask("HTTP/1.1 404 Not Found\r\n\r\nto the end").unwrap();
        assert_eq!(body, b"to the end");
    }

    #[test]
    fn answers_that_break_off_are_errors() {
        assert!(ask("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort").is_err());
        assert!(ask("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nshort").is_err());
        assert!(ask("SSH-2.0-x\r\n\r\n").is_err());
        assert!(ask("HTTP/1.1 200").is_err());
    }
}
