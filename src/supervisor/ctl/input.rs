//! Standard input, a line at a time. Nothing is read ahead: `fg` hands the lines after it on.

/// The next line without its end; `None` at the end of input.
pub(super) fn line() -> Option<String> {
    let stdin = std::io::stdin();
    let mut bytes = Vec::new();
    let mut byte = [0];
    loop {
        match nix::unistd::read(&stdin, &mut byte) {
            Ok(1) if byte[0] == b'\n' => break,
            Ok(1) => bytes.push(byte[0]),
            Err(nix::errno::Errno::EINTR) => {}
            _ if bytes.is_empty() => return None,
            _ => break,
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
