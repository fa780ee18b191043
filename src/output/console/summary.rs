//! The last lines of a run.

use super::rows::host_text;
use crate::output::event::{Counts, PlanCounts};
use crate::output::ranges;
use crate::output::screen::{Colour, Screen};
use crate::value::order;
use std::collections::BTreeMap;

/// So many names and ranges of names of unreachable hosts are shown.
const UNREACHABLE: usize = 8;

/// Counts of an apply, hosts with the same ones on one line.
pub(super) fn apply(screen: &Screen, recap: &BTreeMap<String, Counts>, took: f64) -> String {
    let all: Vec<String> = recap.keys().cloned().collect();
    let mut groups: Vec<(Counts, Vec<String>)> = Vec::new();
    for (host, counts) in recap {
        match groups.iter_mut().find(|(c, _)| c == counts) {
            Some((_, hosts)) => hosts.push(host.clone()),
            None => groups.push((*counts, vec![host.clone()])),
        }
    }
    // Most hosts first, trouble last.
    order::sort_by_key(&mut groups, |(c, hosts)| {
        (c.failed + c.unreachable > 0, usize::MAX - hosts.len())
    });
    let mut out = String::from(match trouble(recap) {
        0 => "Done",
        _ => "Done with failures",
    });
    out += &format!(" in {took:.1} s");
    for (counts, hosts) in groups {
        let hosts = match all.len() {
            1 => hosts.concat(),
            _ => host_text(&hosts, &all),
        };
        out += &format!("\n  {hosts:<34} {}", line(screen, &counts));
    }
    out
}

fn trouble(recap: &BTreeMap<String, Counts>) -> usize {
    recap
        .values()
        .filter(|c| c.failed + c.unreachable > 0)
        .count()
}

fn line(screen: &Screen, counts: &Counts) -> String {
    let all = [
        (
            "ok",
            counts.ok - counts.changed.min(counts.ok),
            Colour::Green,
        ),
        ("changed", counts.changed, Colour::Yellow),
        ("skipped", counts.skipped, Colour::Cyan),
        ("rescued", counts.rescued, Colour::Green),
        ("ignored", counts.ignored, Colour::BrightPurple),
        ("failed", counts.failed, Colour::Red),
        ("unreachable", counts.unreachable, Colour::BrightRed),
    ];
    let shown = all
        .iter()
        .filter(|(name, count, _)| *count > 0 || *name == "changed");
    let words = shown.map(|(name, count, colour)| {
        let text = format!("{count} {name}");
        match count {
            0 => text,
            _ => screen.paint(&text, *colour),
        }
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Totals of a plan.
pub(super) fn plan(screen: &Screen, plan: &PlanCounts, recap: &BTreeMap<String, Counts>) -> String {
    let opaque = match plan.opaque {
        1 => "1 opaque command".to_owned(),
        n => format!("{n} opaque commands"),
    };
    let mut text = format!(
        "Plan: {} to change, {} ok, {} unknown until apply, {opaque}",
        plan.change, plan.ok, plan.unknown
    );
    if plan.failed > 0 {
        text += &format!(", {} failed", plan.failed);
    }
    let colour = match plan {
        p if p.failed > 0 || trouble(recap) > 0 => Colour::Red,
        p if p.change + p.unknown + p.opaque > 0 => Colour::Yellow,
        _ => Colour::Green,
    };
    let mut out = screen.paint(&text, colour);
    let unreachable = recap
        .iter()
        .filter(|(_, c)| c.unreachable > 0)
        .map(|(h, _)| h.as_str());
    let unreachable: Vec<&str> = unreachable.collect();
    if !unreachable.is_empty() {
        let parts = ranges::folded(unreachable);
        let names = ranges::shown(&parts, UNREACHABLE);
        out += &format!("\nUnreachable, so not planned: {names}");
    }
    out
}
