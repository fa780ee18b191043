//! Which lines of two texts belong together, found as Python's `difflib` finds them: the longest
//! run that both have, then the same to its left and right. The result differs from that of the
//! usual (shortest edit script) algorithms, and Ansible's users compare texts.

use std::collections::HashMap;
use std::ops::Range;

/// A change: lines of the old text and the lines of the new one in their place. Equal parts are
/// changes too, with `equal` set, so that the list covers both texts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub equal: bool,
    pub old: Range<usize>,
    pub new: Range<usize>,
}

/// The parts of two texts in order.
pub(super) fn parts(old: &[&str], new: &[&str]) -> Vec<Part> {
    let places = places(new);
    let mut blocks = Vec::new();
    // An explicit stack: texts may have as many runs as lines.
    let mut todo = vec![(0..old.len(), 0..new.len())];
    while let Some((a, b)) = todo.pop() {
        let (i, j, len) = longest(old, new, &places, a.clone(), b.clone());
        if len == 0 {
            continue;
        }
        blocks.push((i, j, len));
        todo.push((a.start..i, b.start..j));
        todo.push((i + len..a.end, j + len..b.end));
    }
    blocks.sort_unstable();
    blocks.push((old.len(), new.len(), 0));
    let mut parts: Vec<Part> = Vec::new();
    let (mut i, mut j) = (0, 0);
    for (a, b, len) in blocks {
        if i < a || j < b {
            parts.push(Part {
                equal: false,
                old: i..a,
                new: j..b,
            });
        }
        (i, j) = (a + len, b + len);
        match parts.last_mut() {
            // Neighbouring runs are one.
            Some(last) if last.equal && last.old.end == a && last.new.end == b => {
                last.old.end = i;
                last.new.end = j;
            }
            _ if len > 0 => parts.push(Part {
                equal: true,
                old: a..i,
                new: b..j,
            }),
            _ => {}
        }
    }
    parts
}

/// Where each line is in the new text. Lines that make up more than a hundredth of a long text
/// (blank ones, say) do not start a run.
fn places<'a>(new: &[&'a str]) -> HashMap<&'a str, Vec<usize>> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, line) in new.iter().enumerate() {
        places.entry(line).or_default().push(index);
    }
    if new.len() >= 200 {
        let limit = new.len() / 100 + 1;
        places.retain(|_, at| at.len() <= limit);
    }
    places
}

/// The longest run within two ranges, the earliest of equally long ones.
fn longest(
    old: &[&str],
    new: &[&str],
    places: &HashMap<&str, Vec<usize>>,
    a: Range<usize>,
    b: Range<usize>,
) -> (usize, usize, usize) {
    let (mut i, mut j, mut len) = (a.start, b.start, 0);
    let mut ending: HashMap<usize, usize> = HashMap::new();
    for at in a.clone() {
        let mut now = HashMap::new();
        let found = places.get(old[at]).map_or(&[][..], Vec::as_slice);
        for &place in found.iter().filter(|p| b.contains(p)) {
            let before = place.checked_sub(1).and_then(|p| ending.get(&p));
            let run = before.copied().unwrap_or(0) + 1;
            now.insert(place, run);
            if run > len {
                (i, j, len) = (at + 1 - run, place + 1 - run, run);
            }
        }
        ending = now;
    }
    // The lines that cannot start a run may lengthen one.
    while i > a.start && j > b.start && old[i - 1] == new[j - 1] {
        (i, j, len) = (i - 1, j - 1, len + 1);
    }
    while i + len < a.end && j + len < b.end && old[i + len] == new[j + len] {
        len += 1;
    }
    (i, j, len)
}

/// Groups of parts with `context` equal lines around the changes.
pub(super) fn grouped(mut parts: Vec<Part>, context: usize) -> Vec<Vec<Part>> {
    if let Some(first) = parts.first_mut().filter(|p| p.equal) {
        first.old.start = first.old.start.max(first.old.end.saturating_sub(context));
        first.new.start = first.new.start.max(first.new.end.saturating_sub(context));
    }
    if let Some(last) = parts.last_mut().filter(|p| p.equal) {
        last.old.end = last.old.end.min(last.old.start + context);
        last.new.end = last.new.end.min(last.new.start + context);
    }
    let mut groups = Vec::new();
    let mut group: Vec<Part> = Vec::new();
    for part in parts {
        if part.equal && part.old.len() > 2 * context {
            group.push(Part {
                equal: true,
                old: part.old.start..part.old.start + context,
                new: part.new.start..part.new.start + context,
            });
            groups.push(std::mem::take(&mut group));
            group.push(Part {
                equal: true,
                old: part.old.end - context..part.old.end,
                new: part.new.end - context..part.new.end,
            });
        } else {
            group.push(part);
        }
    }
    groups.push(group);
    groups.retain(|group| group.iter().any(|part| !part.equal));
    groups
}
