//! `processor*` and the CPU's flags.

use super::source::Source;
use super::{Facts, kernel};
use serde_json::json;
use std::collections::BTreeSet;

pub(super) fn gather(source: &Source) -> Facts {
    let text = source.text("/proc/cpuinfo").unwrap_or_default();
    parse(&text, kernel::usable_cpus())
}

fn parse(text: &str, usable: usize) -> Facts {
    let mut described: Vec<String> = Vec::new();
    let mut flags: Vec<&str> = Vec::new();
    let mut sockets = BTreeSet::new();
    let (mut processors, mut cores, mut siblings) = (0usize, 0usize, 0usize);
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        match name.trim() {
            "processor" => {
                processors += 1;
                described.push(value.to_owned());
            }
            "model name" | "Processor" | "vendor_id" | "cpu" | "Vendor" => {
                described.push(value.to_owned());
            }
            "physical id" => drop(sockets.insert(value)),
            "cpu cores" => cores = value.parse().unwrap_or(0),
            "siblings" => siblings = value.parse().unwrap_or(0),
            "flags" | "Features" => flags = value.split_whitespace().collect(),
            _ => {}
        }
    }
    // Without topology (ARM, say) every processor counts as a socket with one core.
    let count = if sockets.is_empty() {
        processors
    } else {
        sockets.len()
    };
    let cores = cores.max(1);
    let threads = (siblings / cores).max(1);
    Facts::from_iter([
        ("processor".to_owned(), json!(described)),
        ("processor_count".to_owned(), json!(count)),
        ("processor_cores".to_owned(), json!(cores)),
        ("processor_threads_per_core".to_owned(), json!(threads)),
        ("processor_vcpus".to_owned(), json!(count * cores * threads)),
        ("processor_nproc".to_owned(), json!(usable)),
        ("flags".to_owned(), json!(flags)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_sockets_cores_threads() {
        let one = |n, socket| {
            format!(
                "processor\t: {n}\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon\nphysical id\t: {socket}\nsiblings\t: 2\ncpu cores\t: 1\nflags\t\t: fpu sse\n\n"
            )
        };
        let text: String = [one(0, 0), one(1, 0), one(2, 1), one(3, 1)].concat();
        let facts = parse(&text, 3);
        assert_eq!(facts["processor_count"], 2);
        assert_eq!(facts["processor_threads_per_core"], 2);
        assert_eq!(facts["processor_vcpus"], 4);
        assert_eq!(facts["processor_nproc"], 3);
        assert_eq!(facts["processor"][2], "Xeon");
        assert_eq!(facts["flags"], json!(["fpu", "sse"]));
    }

    #[test]
    fn without_topology() {
        let facts = parse("processor : 0\nprocessor : 1\nFeatures : fp asimd\n", 2);
        assert_eq!(facts["processor_count"], 2);
        assert_eq!(facts["processor_cores"], 1);
        assert_eq!(facts["processor_vcpus"], 2);
    }
}
