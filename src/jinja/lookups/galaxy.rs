//! The lookup of Galaxy's own collection.

use super::{Ask, Lookup};
use crate::jinja::function::message;
use crate::value::{Kind, Map, Value};

pub const LOOKUPS: &[(&str, Lookup)] = &[("inheritance_chain", inheritance_chain)];

/// What variables of one name hold, from general to special: `all_NAME`, `group_NAME`,
/// `GROUP_group_NAME` for each group of the host, `host_NAME`; or `override_NAME` alone, where that
/// is defined. Lists are joined, of dicts the later keys win (observed: galaxyproject.general under
/// ansible-core 2.19.14).
fn inheritance_chain(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    let groups = variable(ask, "group_names")?.ok_or("Missing 'group_names' in variables")?;
    if let Kind::Unknown(_) = groups.kind {
        return Ok(vec![groups]);
    }
    if ask.terms.is_empty() {
        let text = "Inheritance chain lookup plugin expects 1 or more terms, got 0";
        return Err(text.to_owned());
    }
    let groups = groups.as_list().unwrap_or_default();
    let groups: Vec<String> = groups.iter().map(Value::to_text).collect();
    let mut chain = Chain::None;
    for term in ask.terms {
        let Some(base) = term.as_str() else {
            let kind = term.type_name();
            return Err(format!("can only concatenate str (not \"{kind}\") to str"));
        };
        let mut of_term = Chain::None;
        for name in links(ask, base, &groups) {
            let value = variable(ask, &name)
                .map_err(|text| format!("Templating '{name}' failed: {text}"))?;
            match value {
                None => {}
                Some(value) if value.is_null() => {}
                Some(value) if matches!(value.kind, Kind::Unknown(_)) => return Ok(vec![value]),
                Some(value) => of_term.add(&value, &name)?,
            }
        }
        match of_term {
            Chain::None => {}
            Chain::List(items) => chain.add(&Value::list(items), base)?,
            Chain::Dict(map) => chain.add(&Value::map(map), base)?,
        }
    }
    Ok(match chain {
        Chain::None => Vec::new(),
        Chain::List(items) => items,
        Chain::Dict(map) => vec![Value::map(map)],
    })
}

/// The names of the variables that make up the chain.
fn links(ask: &Ask<'_>, base: &str, groups: &[String]) -> Vec<String> {
    let over = format!("override_{base}");
    if ask.frame.scope.get(&over).is_some() {
        return vec![over];
    }
    let groups = groups
        .iter()
        .map(|group| format!("{}_group", group.replace('-', "_")));
    ["all".to_owned(), "group".to_owned()]
        .into_iter()
        .chain(groups)
        .chain(["host".to_owned()])
        .map(|prefix| format!("{prefix}_{base}"))
        .collect()
}

fn variable(ask: &Ask<'_>, name: &str) -> Result<Option<Value>, String> {
    let found = ask.frame.env.var(name);
    found
        .and_then(|v| v.map(|v| v.to_value()).transpose())
        .map_err(message)
}

/// What was gathered so far: the first value says of which kind.
enum Chain {
    None,
    List(Vec<Value>),
    Dict(Map),
}

impl Chain {
    fn add(&mut self, value: &Value, name: &str) -> Result<(), String> {
        if let Chain::None = self {
            *self = match &value.kind {
                Kind::List(_) => Chain::List(Vec::new()),
                _ => Chain::Dict(Map::new()),
            };
        }
        match (self, &value.kind) {
            (Chain::List(items), Kind::List(more)) => items.extend(more.iter().cloned()),
            (Chain::Dict(map), Kind::Map(more)) => {
                for (key, value) in more.iter() {
                    map.insert(key.clone(), value.clone());
                }
            }
            (Chain::List(_), Kind::Map(_)) => {
                return Err(format!("'{name}' is a dict where a list came before it"));
            }
            (Chain::Dict(_), Kind::List(_)) => {
                return Err(format!("'{name}' is a list where a dict came before it"));
            }
            _ => {
                let kind = value.type_name();
                return Err(format!("Unknown type of '{name}': {kind}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::diag::SourceMap;
    use crate::jinja::{Context, Engine};
    use crate::value::{Map, Value};
    use crate::vars::SharedScope;
    use std::path::Path;
    use std::sync::Arc;

    fn scope() -> Map {
        let text = "
group_names: [aa, web-a, zz]
x: 5
all_files: [{a: 1}, '{{ x }}']
group_files: [g]
zz_group_files: '{{ [x + 1] }}'
web_a_group_files: [wa]
aa_group_files: [aa]
host_files: [h]
all_cfg: {a: 1, n: {x: 1}}
host_cfg: {b: '{{ x }}', n: {y: 2}}
group_cfg:
all_one: [o]
all_over: [1]
override_over: [2, 3]
all_none: [3]
override_none:
all_strs: [a, b]
all_mix: {a: 1}
host_mix: [1]
all_bad: text
all_undef: ['{{ nothing }}']
all_later: [1]
";
        let file = Path::new("vars.yml");
        let value = crate::yaml::load(&SourceMap::default(), file, text).unwrap();
        let mut map = value.as_map().unwrap().clone();
        map.insert("host_later", Value::unknown("stdout"));
        map
    }

    fn render(text: &str) -> String {
        let engine = Engine::new(SourceMap::default(), Arc::new(|_| Ok(String::new())));
        let scope: SharedScope = Arc::new(scope());
        match engine.render(&Value::template(text), &scope, &Context::default()) {
            Ok(value) => value.repr(),
            Err(diag) => format!("error: {}", diag.message),
        }
    }

    fn asked(call: &str, terms: &str) -> String {
        render(&format!(
            "{{{{ {call}('galaxyproject.general.inheritance_chain', {terms}) }}}}"
        ))
    }

    /// Each as galaxyproject.general answers under ansible-core 2.19.14.
    #[test]
    fn goes_from_general_to_special() {
        for (terms, expected) in [
            ("'files'", "[{'a': 1}, 5, 'g', 'aa', 'wa', 6, 'h']"),
            ("'cfg'", "{'a': 1, 'n': {'y': 2}, 'b': 5}"),
            ("'one'", "'o'"),
            ("'strs'", "'a,b'"),
            ("'missing'", "[]"),
            ("'over'", "[2, 3]"),
            ("'none'", "[]"),
        ] {
            assert_eq!(asked("lookup", terms), expected, "{terms}");
        }
        assert_eq!(asked("query", "'cfg'"), "[{'a': 1, 'n': {'y': 2}, 'b': 5}]");
        assert_eq!(asked("query", "'one', 'strs'"), "['o', 'a', 'b']");
    }

    #[test]
    fn says_which_variable_is_wrong() {
        for (terms, expected) in [
            ("'mix'", "'host_mix' is a list where a dict came before it"),
            (
                "'one', 'cfg'",
                "'cfg' is a dict where a list came before it",
            ),
            ("'bad'", "Unknown type of 'all_bad': str"),
            (
                "'undef'",
                "Templating 'all_undef' failed: 'nothing' is undefined",
            ),
            (
                "['files']",
                "can only concatenate str (not \"list\") to str",
            ),
        ] {
            let text = asked("lookup", terms);
            assert!(text.contains(expected), "{terms}: {text}");
        }
        let none = render("{{ lookup('galaxyproject.general.inheritance_chain') }}");
        assert!(none.contains("expects 1 or more terms, got 0"), "{none}");
    }

    #[test]
    fn is_unknown_with_any_of_its_variables() {
        assert_eq!(asked("lookup", "'later'"), "(known after apply)");
    }
}
