//! Options against the specification of their names, types and relations, in the order in which
//! ansible-core's validator looks (observed: ansible-core 2.19.14, `tests/compat/argspec`).

use super::convert::{choice_of_boolean, convert, dict, type_name};
use crate::exec::unit::to_bool;
use crate::value::{Kind, Map, Value};

/// What is wrong with options: one sentence for each fault.
pub(super) fn errors(spec: &Value, given: &Value) -> Vec<String> {
    let mut check = Check {
        errors: Vec::new(),
        strange: Vec::new(),
    };
    let mut given = given.as_map().cloned().unwrap_or_default();
    check.unreadable(spec, &given);
    check.level(spec, spec, &mut given, &[]);
    check.finish()
}

struct Check {
    errors: Vec<String>,
    /// Options that do not exist: their full name, and those that do.
    strange: Vec<(String, String)>,
}

impl Check {
    fn finish(mut self) -> Vec<String> {
        self.strange.sort();
        if let Some((_, known)) = self.strange.last() {
            let names: Vec<&str> = self.strange.iter().map(|(name, _)| &**name).collect();
            let message = format!(
                "{}. Supported parameters include: {known}.",
                names.join(", ")
            );
            self.errors.push(message);
        }
        self.errors
    }

    /// Texts where a dict of options is wanted, and that do not read as one: they are looked into for
    /// secrets before anything else.
    fn unreadable(&mut self, spec: &Value, given: &Map) {
        for (key, option) in spec.as_map().into_iter().flatten() {
            let value = given.get(&key.to_value().to_text());
            let (Some(inner), Some(value)) = (option.get("options"), value) else {
                continue;
            };
            for item in value.as_list().unwrap_or(std::slice::from_ref(value)) {
                match &item.kind {
                    Kind::Str(text) => self.errors.extend(dict(&text.text).err()),
                    Kind::Map(map) => self.unreadable(inner, map),
                    _ => {}
                }
            }
        }
    }

    /// One dict of options. `rules` is what holds the relations between them.
    fn level(&mut self, spec: &Value, rules: &Value, given: &mut Map, context: &[String]) {
        let Some(options) = spec.as_map() else {
            return;
        };
        aliases(options, given);
        self.unknown(options, given, context);
        let inner = !context.is_empty();
        if inner {
            self.exclusive(rules, given, context);
        }
        defaults(options, given);
        self.missing(options, given, context);
        self.types(options, given, context);
        self.choices(options, given, context);
        if inner {
            self.relations(rules, given, context);
        }
        for (key, option) in options {
            self.below(&key.to_value().to_text(), option, given, context);
        }
    }

    fn unknown(&mut self, options: &Map, given: &Map, context: &[String]) {
        let known = supported(options);
        for name in names(given) {
            let alias = |(_, option): (&_, &Value)| has_alias(option, &name);
            if options.get(&name).is_none() && !options.iter().any(alias) {
                let mut path = context.to_vec();
                path.push(name);
                self.strange.push((path.join("."), known.clone()));
            }
        }
    }

    fn missing(&mut self, options: &Map, given: &Map, context: &[String]) {
        let mut missing: Vec<String> = options
            .iter()
            .filter(|(_, option)| option.get("required").is_some_and(to_bool))
            .map(|(key, _)| key.to_value().to_text())
            .filter(|name| given.get(name).is_none())
            .collect();
        missing.sort();
        if !missing.is_empty() {
            let message = format!("missing required arguments: {}", missing.join(", "));
            self.say(message, context);
        }
    }

    fn types(&mut self, options: &Map, given: &mut Map, context: &[String]) {
        for (key, option) in options {
            let name = key.to_value().to_text();
            let Some(value) = given.get(&name).cloned() else {
                continue;
            };
            let kind = option
                .get("type")
                .map_or_else(|| "str".to_owned(), Value::to_text);
            let required = option.get("required").is_some_and(to_bool);
            let defaulted = option.get("default").is_some_and(|v| !v.is_null());
            if value.is_null() && !required && !defaulted {
                continue;
            }
            // An option that only says which options it has is a dict.
            if option.get("type").is_none() && option.get("options").is_some() {
                continue;
            }
            let place = place(context);
            match convert(&kind, &value) {
                Ok(value) => {
                    let value = self.elements(&name, option, value, &place);
                    given.insert(name.as_str(), value);
                }
                Err(why) => self.errors.push(format!(
                    "argument '{name}' is of type {}{place} and we were unable to convert to \
                     {kind}: {why}",
                    type_name(&value)
                )),
            }
        }
    }

    /// The elements of a list, those left out that are of the wrong type.
    fn elements(&mut self, name: &str, option: &Value, value: Value, place: &str) -> Value {
        let kind = option.get("elements").map(Value::to_text);
        let (Some(kind), Some(items)) = (kind, value.as_list()) else {
            return value;
        };
        let mut kept = Vec::new();
        for item in items {
            match convert(&kind, item) {
                Ok(item) => kept.push(item),
                Err(why) => self.errors.push(format!(
                    "Elements value for option '{name}'{place} is of type {} and we were unable \
                     to convert to {kind}: {why}",
                    type_name(item)
                )),
            }
        }
        Value::list(kept)
    }

    fn choices(&mut self, options: &Map, given: &mut Map, context: &[String]) {
        for (key, option) in options {
            let name = key.to_value().to_text();
            let Some(choices) = option.get("choices").and_then(Value::as_list) else {
                continue;
            };
            let Some(value) = given.get(&name).filter(|value| !value.is_null()).cloned() else {
                continue;
            };
            let is_choice =
                |v: &Value| choices.iter().any(|c| c == v || c.to_text() == v.to_text());
            let listed = texts(choices).join(", ");
            if let Some(items) = value.as_list() {
                let others: Vec<Value> = items.iter().filter(|v| !is_choice(v)).cloned().collect();
                if !others.is_empty() {
                    let others = texts(&others).join(", ");
                    let message = format!(
                        "value of {name} must be one or more of: {listed}. Got no match for: \
                         {others}"
                    );
                    self.say(message, context);
                }
            } else if !is_choice(&value) {
                match choice_of_boolean(&value, choices) {
                    Some(choice) => {
                        given.insert(name.as_str(), choice);
                    }
                    None => {
                        let got = value.to_text();
                        let message =
                            format!("value of {name} must be one of: {listed}, got: {got}");
                        self.say(message, context);
                    }
                }
            }
        }
    }

    /// The options within an option.
    fn below(&mut self, name: &str, option: &Value, given: &Map, context: &[String]) {
        let kind = option.get("type").map(Value::to_text).unwrap_or_default();
        let of_dicts = option
            .get("elements")
            .is_some_and(|e| e.to_text() == "dict");
        let (Some(inner), Some(value)) = (option.get("options"), given.get(name)) else {
            return;
        };
        if value.is_null() || !(kind == "dict" || (kind == "list" && of_dicts)) {
            return;
        }
        let mut context = context.to_vec();
        context.push(name.to_owned());
        let one = std::slice::from_ref(value);
        for item in value.as_list().unwrap_or(one) {
            let Some(map) = item.as_map() else {
                let message = format!("value of '{name}' must be of type dict or list of dicts");
                self.errors.push(message);
                continue;
            };
            let mut map = map.clone();
            self.level(inner, option, &mut map, &context);
        }
    }

    fn exclusive(&mut self, rules: &Value, given: &Map, context: &[String]) {
        for group in groups(rules, "mutually_exclusive") {
            if group.iter().filter(|name| is_given(given, name)).count() > 1 {
                let message = format!("parameters are mutually exclusive: {}", group.join("|"));
                self.say(message, context);
            }
        }
    }

    fn relations(&mut self, rules: &Value, given: &Map, context: &[String]) {
        let absent = |names: &[String]| -> Vec<String> {
            names
                .iter()
                .filter(|name| !is_given(given, name))
                .cloned()
                .collect()
        };
        for group in groups(rules, "required_together") {
            let missing = absent(&group).len();
            if missing > 0 && missing < group.len() {
                let message = format!("parameters are required together: {}", group.join(", "));
                self.say(message, context);
            }
        }
        for group in groups(rules, "required_one_of") {
            if absent(&group).len() == group.len() {
                let message = format!("one of the following is required: {}", group.join(", "));
                self.say(message, context);
            }
        }
        for rule in rules
            .get("required_if")
            .and_then(Value::as_list)
            .unwrap_or_default()
        {
            let Some([key, wanted, needed, rest @ ..]) = rule.as_list() else {
                continue;
            };
            let key = key.to_text();
            if given
                .get(&key)
                .is_none_or(|value| value.to_text() != wanted.to_text())
            {
                continue;
            }
            let needed = texts(needed.as_list().unwrap_or_default());
            let missing = absent(&needed);
            let any = rest.first().is_some_and(to_bool);
            if missing.is_empty() || (any && missing.len() < needed.len()) {
                continue;
            }
            let word = if any { "any" } else { "all" };
            let message = format!(
                "{key} is {} but {word} of the following are missing: {}",
                wanted.to_text(),
                missing.join(", ")
            );
            self.say(message, context);
        }
        let by = rules.get("required_by").and_then(Value::as_map);
        for (key, needed) in by.into_iter().flatten() {
            let key = key.to_value().to_text();
            let one = std::slice::from_ref(needed);
            let missing = absent(&texts(needed.as_list().unwrap_or(one)));
            if is_given(given, &key) && !missing.is_empty() {
                let missing = missing.join(", ");
                let message = format!("missing parameter(s) required by '{key}': {missing}");
                self.say(message, context);
            }
        }
    }

    fn say(&mut self, message: String, context: &[String]) {
        self.errors.push(match context {
            [] => message,
            _ => format!("{message} found in {}", context.join(" -> ")),
        });
    }
}

/// ` found in 'a -> b'.`, as it stands inside of a sentence about a type.
fn place(context: &[String]) -> String {
    match context {
        [] => String::new(),
        _ => format!(" found in '{}'.", context.join(" -> ")),
    }
}

fn texts(values: &[Value]) -> Vec<String> {
    values.iter().map(Value::to_text).collect()
}

fn names(map: &Map) -> Vec<String> {
    map.keys().map(|key| key.to_value().to_text()).collect()
}

fn is_given(given: &Map, name: &str) -> bool {
    given.get(name).is_some_and(|value| !value.is_null())
}

fn list_of<'a>(option: &'a Value, key: &str) -> &'a [Value] {
    option.get(key).and_then(Value::as_list).unwrap_or_default()
}

fn has_alias(option: &Value, name: &str) -> bool {
    list_of(option, "aliases")
        .iter()
        .any(|alias| alias.to_text() == name)
}

/// Groups of names: one list of them, or several.
fn groups(rules: &Value, key: &str) -> Vec<Vec<String>> {
    let list = list_of(rules, key);
    match list.first().and_then(Value::as_list) {
        Some(_) => list.iter().filter_map(Value::as_list).map(texts).collect(),
        None if list.is_empty() => Vec::new(),
        None => vec![texts(list)],
    }
}

fn aliases(options: &Map, given: &mut Map) {
    for (key, option) in options {
        let name = key.to_value().to_text();
        for alias in list_of(option, "aliases") {
            if let Some(value) = given.get(&alias.to_text()).cloned() {
                given.insert(name.as_str(), value);
            }
        }
    }
}

fn defaults(options: &Map, given: &mut Map) {
    for (key, option) in options {
        let name = key.to_value().to_text();
        let default = option.get("default").filter(|value| !value.is_null());
        if let (None, Some(default)) = (given.get(&name), default) {
            given.insert(name.as_str(), default.clone());
        }
    }
}

/// The options that there are, and in brackets their other names.
fn supported(options: &Map) -> String {
    let mut known = names(options);
    known.sort();
    let mut others: Vec<String> = options
        .values()
        .flat_map(|option| texts(list_of(option, "aliases")))
        .collect();
    others.sort();
    match others.is_empty() {
        true => known.join(", "),
        false => format!("{} ({})", known.join(", "), others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::errors;
    use crate::value::from_json;
    use serde_json::Value as Json;

    fn table(text: &str) -> Vec<Json> {
        serde_json::from_str(text).unwrap()
    }

    /// Without what differs from run to run or is no answer of the judge.
    fn comparable(error: &str) -> String {
        let error = error
            .split("Valid booleans include")
            .next()
            .unwrap_or_default();
        error.to_owned()
    }

    #[test]
    fn says_what_ansible_core_says() {
        let cases = table(include_str!("../../../../tests/compat/argspec/cases.json"));
        let recorded = table(include_str!(
            "../../../../tests/compat/argspec/recorded.json"
        ));
        assert_eq!(cases.len(), recorded.len());
        for (case, recorded) in cases.iter().zip(&recorded) {
            let theirs: Vec<String> = recorded
                .as_array()
                .unwrap()
                .iter()
                .map(|error| comparable(error.as_str().unwrap()))
                .collect();
            // It stumbles over its own words there.
            if theirs
                .iter()
                .any(|e| e.contains("TypeError") || e.contains("internal error"))
            {
                continue;
            }
            let ours = errors(&from_json(&case["spec"]), &from_json(&case["given"]));
            let ours: Vec<String> = ours.iter().map(|error| comparable(error)).collect();
            assert_eq!(ours, theirs, "{case}");
        }
    }
}
