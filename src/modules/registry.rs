//! The list of modules, each erased to a table of functions.

use super::module::{Control, Kind, Module, Side};
use super::run::{Flags, StepResult, run_typed};
use crate::args;
use crate::diag::{Result, SourceMap};
use crate::sys::Host;
use crate::value::Value;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value as Json;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

/// One module without its types.
pub struct Entry {
    /// Short name.
    pub name: &'static str,
    /// Full name.
    pub fqcn: &'static str,
    /// Further names.
    pub aliases: &'static [&'static str],
    /// Where it works.
    pub side: Side,
    /// The option that takes free-form text.
    pub free_form: Option<&'static str>,
    /// Whether its result has `ansible_facts`.
    pub brings_facts: bool,
    /// Names of all options, aliases included.
    pub fields: fn() -> Vec<&'static str>,
    /// True for a module that takes any other option too (`set_fact`).
    pub takes_any: fn() -> bool,
    /// JSON schema of the options.
    pub schema: fn() -> Schema,
    /// Checks rendered arguments; the result is what the other functions take.
    pub check: fn(&Value, &SourceMap) -> Result<Json>,
    /// [`Module::kind`] for arguments that `check` and `prepare` returned.
    pub kind: fn(&Json) -> Result<Kind>,
    /// [`Module::prepare`].
    pub prepare: fn(&Json, &dyn Control) -> Result<Json>,
    /// Plans and performs on a host.
    pub(super) run: fn(&Json, &mut dyn Host, &Flags) -> StepResult,
}

impl Entry {
    pub(super) fn of<M: Module>() -> Entry {
        Entry {
            name: M::NAME,
            fqcn: M::FQCN,
            aliases: M::ALIASES,
            side: M::SIDE,
            free_form: M::FREE_FORM,
            brings_facts: M::BRINGS_FACTS,
            fields: args::fields::<M::Args>,
            takes_any: args::takes_any::<M::Args>,
            schema: schema::<M::Args>,
            check: |value, sources| {
                let typed: M::Args = args::check(M::NAME, value, sources)
                    .map_err(|diag| args::complete(diag, M::NAME, value, &schema::<M::Args>()))?;
                args::to_json(&typed)
            },
            kind: |json| Ok(M::kind(&args::read(json)?)),
            prepare: |json, control| args::to_json(&M::prepare(args::read(json)?, control)?),
            run: run_typed::<M>,
        }
    }
}

fn schema<T: JsonSchema>() -> Schema {
    described(T::json_schema, T::schema_name())
}

/// The schema of a type, as schemars' `into_root_schema_for` makes it, which would be compiled anew
/// for each of them.
fn described(of: fn(&mut SchemaGenerator) -> Schema, name: Cow<'static, str>) -> Schema {
    let settings = SchemaSettings::default().with(|s| s.inline_subschemas = true);
    let meta = settings.meta_schema.clone();
    let mut schema = of(&mut settings.into_generator());
    let object = schema.ensure_object();
    object.entry("title").or_insert_with(|| name.into());
    if let Some(meta) = meta {
        object.insert("$schema".to_owned(), meta.into());
    }
    schema
}

/// Declares the files of modules and collects them: one word for each.
macro_rules! modules {
    ($($file:ident :: $type:ident,)*) => {
        $(pub mod $file;)*
        fn entries() -> Vec<registry::Entry> {
            vec![$(registry::Entry::of::<$file::$type>(),)*]
        }
    };
}
pub(super) use modules;

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(super::entries);

static BY_NAME: LazyLock<HashMap<&'static str, &'static Entry>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for entry in ENTRIES.iter() {
        for name in [entry.name, entry.fqcn].iter().chain(entry.aliases) {
            names.insert(*name, entry);
        }
    }
    names
});

/// All modules, in the order of the list.
pub fn all() -> &'static [Entry] {
    &ENTRIES
}

/// All names under which a module is known.
pub fn names() -> impl Iterator<Item = &'static str> {
    BY_NAME.keys().copied()
}

/// A module by short name, full name or alias. `ansible.legacy.X` is `X`; so is `ansible.builtin.X`
/// for a module that has moved to a collection since (observed: ansible-core 2.19.14).
pub fn find(name: &str) -> Option<&'static Entry> {
    let name = name.strip_prefix("ansible.legacy.").unwrap_or(name);
    let moved = || {
        let entry = BY_NAME.get(name.strip_prefix("ansible.builtin.")?)?;
        (!entry.fqcn.starts_with("ansible.legacy.")).then_some(entry)
    };
    BY_NAME.get(name).or_else(moved).copied()
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn finds_modules_under_all_their_names() {
        let found = |name: &str| find(name).map(|entry| entry.name);
        for (name, expected) in [
            ("copy", Some("copy")),
            ("ansible.builtin.copy", Some("copy")),
            ("ansible.legacy.copy", Some("copy")),
            ("ansible.posix.mount", Some("mount")),
            ("ansible.builtin.mount", Some("mount")),
            ("ansible.builtin.seboolean", Some("foreign")),
            ("symlink_clone", Some("symlink_clone")),
            ("ansible.legacy.symlink_clone", Some("symlink_clone")),
            ("ansible.builtin.symlink_clone", None),
            ("ansible.posix.copy", None),
        ] {
            assert_eq!(found(name), expected, "{name}");
        }
    }
}
