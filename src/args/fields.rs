//! The option names of a type, read off its `Deserialize` implementation.

use super::de;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};

/// All names (aliases too) that a struct, or a [`super::With`] of structs, accepts from the user.
/// Names that begin with `$` are the module's own: `prepare` fills them in.
pub fn fields<T: DeserializeOwned>() -> Vec<&'static str> {
    let mut names = probe::<T>().found.into_inner();
    names.retain(|name| !name.starts_with('$'));
    names
}

/// True for a type that accepts any key besides its [`fields`]: one that is, or shares its dict
/// with, [`super::Raw`].
pub fn takes_any<T: DeserializeOwned>() -> bool {
    probe::<T>().any.get()
}

/// What a type accepts.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) found: RefCell<Vec<&'static str>>,
    pub(super) any: Cell<bool>,
}

fn probe<T: DeserializeOwned>() -> Seen {
    let seen = Seen::default();
    de::look::<T>(&seen);
    seen
}
