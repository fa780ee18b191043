//! The variables that one template can see.

use crate::value::Value;
use std::sync::Arc;

/// Variables by name, unrendered. A template asks for the names it mentions and no others, so a
/// scope may compute values when asked (`hostvars`, `groups`).
pub trait Scope: Send + Sync {
    /// The variable, as written by the user or returned by a host; rendering it is the engine's
    /// business. `None` if it is not defined.
    fn get(&self, name: &str) -> Option<Value>;

    /// All names, for the `vars` variable, `varnames` and suggestions.
    fn names(&self) -> Vec<String>;

    /// The scope of another host, behind `hostvars[host]`: its values are rendered with its own
    /// variables. The engine builds the `hostvars` mapping from this and [`Scope::hosts`] when a
    /// template mentions `hostvars`, and the `vars` mapping from [`Scope::names`].
    fn host(&self, _host: &str) -> Option<SharedScope> {
        None
    }

    /// The hosts that a pattern selects, in the order of the inventory; `None` where there is no
    /// inventory to ask.
    fn select(&self, _pattern: &str) -> Option<Vec<String>> {
        None
    }

    /// The hosts that `hostvars` has.
    fn hosts(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A scope that many templates share.
pub type SharedScope = Arc<dyn Scope>;

impl Scope for crate::value::Map {
    fn get(&self, name: &str) -> Option<Value> {
        crate::value::Map::get(self, name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.keys()
            .filter_map(|k| k.as_str().map(str::to_owned))
            .collect()
    }
}

/// A few names over a scope: the registered result in `changed_when`, the item of a loop.
struct Over {
    top: crate::value::Map,
    below: SharedScope,
}

/// Puts names over a scope.
pub fn over(top: crate::value::Map, below: SharedScope) -> SharedScope {
    if top.is_empty() {
        return below;
    }
    Arc::new(Over { top, below })
}

impl Scope for Over {
    fn get(&self, name: &str) -> Option<Value> {
        self.top.get(name).cloned().or_else(|| self.below.get(name))
    }

    fn names(&self) -> Vec<String> {
        let mut names = self.below.names();
        names.extend(Scope::names(&self.top));
        names.sort_unstable();
        names.dedup();
        names
    }

    fn host(&self, host: &str) -> Option<SharedScope> {
        self.below.host(host)
    }

    fn select(&self, pattern: &str) -> Option<Vec<String>> {
        self.below.select(pattern)
    }

    fn hosts(&self) -> Vec<String> {
        self.below.hosts()
    }
}
