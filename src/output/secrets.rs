//! Secret texts, masked before any consumer sees an event.

use super::event::{Event, Output};
use crate::value::order;
use serde_json::Value as Json;
use std::sync::{Arc, PoisonError, RwLock};

/// What stands in place of a secret.
pub const MASK: &str = "********";

/// Shorter texts are no secrets worth hiding: masking them would garble everything.
const SHORTEST: usize = 4;

/// The secret texts of a run. Cheap to clone; clones share the list.
#[derive(Clone, Default)]
pub struct Secrets(Arc<RwLock<Vec<String>>>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// From now on this text is masked. Texts of several lines are masked line by line too, since
    /// a diff shows them so.
    pub fn add(&self, text: &str) {
        let mut list = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for secret in [text].into_iter().chain(text.lines()).map(str::trim) {
            if secret.len() >= SHORTEST && !list.iter().any(|s| s == secret) {
                list.push(secret.to_owned());
            }
        }
        // A secret may be part of another one: longer ones first.
        order::sort_by_key(&mut list, |s| std::cmp::Reverse(s.len()));
    }

    /// True where nothing is secret.
    pub fn is_empty(&self) -> bool {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }

    /// The text without secrets.
    pub fn mask(&self, text: &str) -> String {
        let list = self.0.read().unwrap_or_else(PoisonError::into_inner);
        list.iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret, MASK))
    }

    /// An event without secrets. Goes through JSON, so that no text of any event is forgotten.
    pub fn mask_event(&self, event: &Event) -> Option<Event> {
        let mut json = serde_json::to_value(event).ok()?;
        // A kind without fields is a mere word.
        if json.is_object() {
            self.mask_json(&mut json);
        }
        // Read from bytes as all else that comes as JSON, so that there is one such code.
        serde_json::from_slice(&serde_json::to_vec(&json).ok()?).ok()
    }

    fn mask_json(&self, value: &mut Json) {
        match value {
            Json::String(text) => *text = self.mask(text),
            Json::Array(items) => items.iter_mut().for_each(|item| self.mask_json(item)),
            Json::Object(map) => map.values_mut().for_each(|value| self.mask_json(value)),
            _ => {}
        }
    }
}

/// An output that never sees a secret.
pub struct Masked {
    secrets: Secrets,
    inner: Box<dyn Output>,
}

impl Masked {
    /// Masks what `inner` gets.
    pub fn new(secrets: Secrets, inner: Box<dyn Output>) -> Masked {
        Masked { secrets, inner }
    }
}

impl Output for Masked {
    fn event(&mut self, event: &Event) {
        if self.secrets.is_empty() {
            return self.inner.event(event);
        }
        if let Some(masked) = self.secrets.mask_event(event) {
            self.inner.event(&masked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_ones_first_and_line_by_line() {
        let secrets = Secrets::default();
        secrets.add("hunter2");
        secrets.add("hunter2hunter2");
        secrets.add("-----BEGIN-----\nabcdef\n");
        secrets.add("no");
        assert_eq!(
            secrets.mask("x hunter2hunter2 hunter2 no"),
            "x ******** ******** no"
        );
        assert_eq!(secrets.mask("+abcdef\n"), "+********\n");
    }

    struct Keep(std::sync::mpsc::Sender<String>);
    impl Output for Keep {
        fn event(&mut self, event: &Event) {
            self.0.send(serde_json::to_string(event).unwrap()).unwrap();
        }
    }

    #[test]
    fn no_event_leaks() {
        let secrets = Secrets::default();
        secrets.add("hunter2");
        let (send, receive) = std::sync::mpsc::channel();
        let mut masked = Masked::new(secrets, Box::new(Keep(send)));
        masked.event(&Event::Retry {
            host: "h".into(),
            task: "login hunter2".into(),
            left: 1,
            result: serde_json::json!({"cmd": ["x", "--password=hunter2"]}),
        });
        masked.event(&Event::Message(crate::diag::Diag::error(
            "x",
            "bad hunter2",
        )));
        for _ in 0..2 {
            let seen = receive.recv().unwrap();
            assert!(!seen.contains("hunter2") && seen.contains(MASK), "{seen}");
        }
    }
}
