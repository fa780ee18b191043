//! What the connections of a run cost.

use crate::output::Cost;
use crate::transport::Traffic;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The traffic of all connections, by host.
#[derive(Default)]
pub struct Costs(Mutex<BTreeMap<String, Vec<Arc<Traffic>>>>);

impl Costs {
    /// A connection was made.
    pub fn add(&self, host: &str, traffic: &Arc<Traffic>) {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = hosts.entry(host.to_owned()).or_default();
        connections.push(traffic.clone());
    }

    /// The costs so far.
    pub fn by_host(&self) -> BTreeMap<String, Cost> {
        let hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut costs = BTreeMap::new();
        for (host, connections) in hosts.iter() {
            let mut cost = Cost::default();
            for counts in connections.iter().map(|traffic| traffic.counts()) {
                cost.connections += 1;
                cost.round_trips += counts.waits;
                cost.sent += counts.sent;
                cost.received += counts.received;
                cost.agent += counts.agent;
                cost.connect += counts.connect.as_secs_f64();
            }
            costs.insert(host.clone(), cost);
        }
        costs
    }
}
