//! `--stats`: what the connections cost.

use super::event::Cost;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const HEAD: [&str; 6] = ["host", "connect", "waits", "sent", "received", "agent"];

/// A table with a line for each host, and their sum where there are several.
pub fn table(hosts: &BTreeMap<String, Cost>) -> String {
    let mut rows: Vec<[String; 6]> = vec![HEAD.map(str::to_owned)];
    rows.extend(hosts.iter().map(|(host, cost)| row(host, cost)));
    if hosts.len() > 1 {
        rows.push(row("all", &sum(hosts.values())));
    }
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::from("\n");
    for row in rows {
        let _ = write!(text, "{:<1$}", row[0], widths[0]);
        for (cell, width) in row.iter().zip(widths).skip(1) {
            let _ = write!(text, "  {cell:>width$}");
        }
        text.push('\n');
    }
    text.pop();
    text
}

fn row(host: &str, cost: &Cost) -> [String; 6] {
    [
        host.to_owned(),
        format!("{:.2} s", cost.connect),
        cost.round_trips.to_string(),
        bytes(cost.sent),
        bytes(cost.received),
        match cost.agent {
            0 => "there".to_owned(),
            sent => bytes(sent),
        },
    ]
}

/// Hosts are reached at the same time, so the slowest counts for all.
fn sum<'a>(costs: impl Iterator<Item = &'a Cost>) -> Cost {
    costs.fold(Cost::default(), |all, one| Cost {
        connections: all.connections + one.connections,
        round_trips: all.round_trips + one.round_trips,
        sent: all.sent + one.sent,
        received: all.received + one.received,
        agent: all.agent + one.agent,
        connect: all.connect.max(one.connect),
    })
}

fn bytes(count: u64) -> String {
    match count {
        0..10_000 => format!("{count} B"),
        10_000..10_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        _ => format!("{:.1} MB", count as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_their_sum() {
        let cost = |agent, connect| Cost {
            connections: 1,
            round_trips: 2,
            sent: 12_345 + agent,
            received: 99,
            agent,
            connect,
        };
        let hosts = BTreeMap::from([
            ("web1".to_owned(), cost(0, 0.25)),
            ("web2".to_owned(), cost(20_000_000, 1.5)),
        ]);
        assert_eq!(
            table(&hosts),
            "
host  connect  waits     sent  received    agent
web1   0.25 s      2  12.3 kB      99 B    there
web2   1.50 s      2  20.0 MB      99 B  20.0 MB
all    1.50 s      4  20.0 MB     198 B  20.0 MB"
        );
    }
}
