//! What the kernel says of a process in one line (proc(5), `/proc/PID/stat`).

use std::fs::File;
use std::io::Read;

/// Longer than any such line.
const LINE: usize = 2048;

/// Some of its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The process id of its parent.
    pub parent: u32,
    /// Its CPU time, in clock ticks.
    pub ticks: u64,
    /// When it was started, in clock ticks since boot.
    pub since: u64,
    /// Its resident memory, in pages.
    pub pages: u64,
}

/// Those of a process; `None` where there is none.
pub fn stat(pid: u32) -> Option<Stat> {
    let mut file = File::open(format!("/proc/{pid}/stat")).ok()?;
    // With room for all of it the kernel is asked once.
    let mut line = [0; LINE];
    let n = file.read(&mut line).ok()?;
    parse(&line[..n])
}

/// The name of the program comes before them; it may hold anything, spaces and parentheses too.
fn parse(line: &[u8]) -> Option<Stat> {
    let end = line.iter().rposition(|b| *b == b')')?;
    let rest = std::str::from_utf8(&line[end + 1..]).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Stat {
        parent: u32::try_from(number(1)?).ok()?,
        ticks: number(11)? + number(12)?,
        since: number(19)?,
        pages: number(21)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let mut line = b"17 (a) S 1 (\xff) S 5 17 17 0 -1 4194560 1 2 3 4 ".to_vec();
        line.extend(b"70 8 9 10 20 0 1 0 4711 300000 25 18446744073709551615\n");
        let expected = Stat {
            parent: 5,
            ticks: 78,
            since: 4711,
            pages: 25,
        };
        assert_eq!(parse(&line), Some(expected));
        assert_eq!(parse(b"17 (a) S 5"), None);
        assert_eq!(parse(b""), None);
    }

    #[test]
    fn of_this_process() {
        let own = stat(std::process::id()).unwrap();
        assert_eq!(own.parent, std::os::unix::process::parent_id());
        assert!(own.pages > 0 && own.since > 0);
        assert_eq!(stat(0), None);
    }
}
