//! `gxdeploy hosts trust`: the host keys of a fleet.

use super::collect::Collector;
use super::connect;
use super::options::Options;
use super::prepare::prepare;
use crate::diag::{Diag, Result};
use crate::output::Output;
use crate::transport::Pinned;
use std::sync::Arc;

/// What came of each host, in the inventory's order.
pub type Trusted = Vec<(String, Result<Pinned>)>;

/// Pins the keys of the hosts that match a pattern. At most `forks` hosts at the same time.
///
/// # Errors
/// Those of the inventory and the pattern.
pub fn trust(options: Options, pattern: &str, output: Box<dyn Output>) -> Result<Trusted> {
    let sources = options.sources.clone();
    let mut collector = Collector::new(output);
    let prepared = prepare(options, &sources, &mut collector)?;
    let hosts = prepared.hosts(pattern)?;
    let (run, _) = prepared.into_run(collector);
    let run = Arc::new(run);
    let mut trusted = Vec::new();
    for batch in hosts.chunks(run.options.forks.max(1)) {
        let pin = |host: &String| connect::pin(&run, host);
        std::thread::scope(|scope| {
            let started: Vec<_> = batch
                .iter()
                .map(|host| (host, scope.spawn(move || pin(host))))
                .collect();
            for (host, thread) in started {
                let ended = thread.join().unwrap_or_else(|_| {
                    Err(Diag::error(
                        "connection",
                        format!("{host}: a thread failed"),
                    ))
                });
                trusted.push((host.clone(), ended));
            }
        });
    }
    Ok(trusted)
}
