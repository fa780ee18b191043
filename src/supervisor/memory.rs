//! The daemon's own memory: little, once nothing happens any more.

use nix::libc;
use std::ffi::c_void;

/// Allocations from this size on are given back as soon as they are freed, in bytes.
pub const LARGE: usize = 128 * 1024;

/// Sets the allocator up for a process that rests most of the time: by itself it would take ever
/// larger allocations from the heap once it has seen some, where what is freed stays.
pub fn begin() {
    let large = libc::c_int::try_from(LARGE).unwrap_or(libc::c_int::MAX);
    // SAFETY: both calls only set numbers of the allocator.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, large);
        libc::mallopt(libc::M_TRIM_THRESHOLD, large);
    }
}

/// Gives back what is free, and the pages of the program that were needed only to come this far
/// (the kernel maps them again when they are).
pub fn give_back() {
    // SAFETY: only gives back memory that is free.
    unsafe { libc::malloc_trim(0) };
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let Ok(program) = std::fs::read_link("/proc/self/exe") else {
        return;
    };
    let program = program.display().to_string();
    for (start, length) in maps.lines().filter_map(|line| clean(line, &program)) {
        // SAFETY: pages of the file that nobody writes to; they are read again at the next access.
        unsafe { libc::madvise(start as *mut c_void, length, libc::MADV_DONTNEED) };
    }
}

/// Start and length of a mapping whose pages are as the file has them: code, and the constants at
/// the file's beginning. Others hold relocated addresses.
fn clean(line: &str, program: &str) -> Option<(usize, usize)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [range, access, offset, _, _, path] = words.as_slice() else {
        return None;
    };
    let begins = offset.bytes().all(|b| b == b'0');
    let clean = *access == "r-xp" || (*access == "r--p" && begins);
    let (start, end) = range
        .split_once('-')
        .filter(|_| clean && *path == program)?;
    let start = usize::from_str_radix(start, 16).ok()?;
    let end = usize::from_str_radix(end, 16).ok()?;
    Some((start, end.checked_sub(start)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_file_has() {
        let clean = |line| clean(line, "/bin/gx");
        let code = "00400000-00402000 r-xp 00122000 fe:00 57 /bin/gx";
        assert_eq!(clean(code), Some((0x40_0000, 0x2000)));
        let head = "00400000-00401000 r--p 00000000 fe:00 57 /bin/gx";
        assert_eq!(clean(head), Some((0x40_0000, 0x1000)));
        for other in [
            "00400000-00401000 r--p 008ff000 fe:00 57 /bin/gx",
            "00400000-00401000 rw-p 00000000 fe:00 57 /bin/gx",
            "00400000-00401000 r-xp 00000000 fe:00 57 /lib/other",
            "00400000-00401000 rw-p 00000000 00:00 0",
            "",
        ] {
            assert_eq!(clean(other), None, "{other}");
        }
    }
}
