//! The engine as its callers see it.

use super::*;
use std::path::Path;

fn scope() -> SharedScope {
    let text = "
name: web
port: 80
url: 'http://{{ name }}:{{ port }}'
list: [3, 1, 2]
dict: {a: 1, b: '{{ port + 1 }}', bad: '{{ nothing }}'}
loop_a: '{{ loop_b }}'
loop_b: '{{ loop_a }}'
result: {changed: true, rc: 0, stdout: ok}
mode: 0644
raw: !unsafe '{{ name }}'
";
    let value = crate::yaml::load(&SourceMap::default(), Path::new("vars.yml"), text).unwrap();
    let mut map = value.as_map().unwrap().clone();
    let mut unknown = Map::new();
    unknown.insert("changed", true);
    unknown.insert("stdout", Value::unknown("stdout"));
    map.insert("later", Value::map(unknown));
    map.insert("whole", Value::unknown("whole"));
    Arc::new(map)
}

fn engine() -> Engine {
    Engine::new(SourceMap::default(), Arc::new(|_| Ok(String::new())))
}

fn render(text: &str) -> String {
    match engine().render(&Value::template(text), &scope(), &Context::default()) {
        Ok(value) => value.repr(),
        Err(diag) => format!("error: {}", diag.message),
    }
}

fn condition(text: &str) -> String {
    match engine().condition(&Value::template(text), &scope(), &Context::default()) {
        Ok(Known::Known(b)) => b.to_string(),
        Ok(Known::Unknown) => "unknown".to_owned(),
        Err(diag) => format!("error: {}", diag.message),
    }
}

#[test]
fn renders_with_native_types_lazily() {
    for (text, expected) in [
        ("{{ port }}", "80"),
        ("x{{ port }}", "'x80'"),
        ("{{ url }}", "'http://web:80'"),
        ("{{ list }}", "[3, 1, 2]"),
        ("{{ list | sort }}", "[1, 2, 3]"),
        ("{{ dict.b }}", "81"),
        ("{{ dict.a }}", "1"),
        ("{{ {'a': true, 'b': none} }}", "{'a': True, 'b': None}"),
        ("a {{ [true, none, 1.0] }}", "'a [True, None, 1.0]'"),
        ("{{ raw }}", "'{{ name }}'"),
        ("{{ nothing | default('x') }}", "'x'"),
        ("{{ dict.nothing.deeper | default('x') }}", "'x'"),
        ("{{ name.upper().split('E') }}", "['W', 'B']"),
        ("{{ dict.items() | list | length }}", "3"),
        ("{{ 'a' if port == 80 else 'b' }}", "'a'"),
        ("{% for i in list %}{{ i }},{% endfor %}", "'3,1,2,'"),
        ("{{ lookup('vars', 'name') }}", "'web'"),
        ("{{ 'abc' | regex_replace('(b)', '[\\1]') }}", "'a[b]c'"),
        ("{{ [1, 2] | map('string') | join('-') }}", "'1-2'"),
        (
            "{{ 7 // 2 }} {{ 2 ** 3 }} {{ 7 % 4 }} {{ 7 / 2 }}",
            "'3 8 3 3.5'",
        ),
        ("{{ '%03d' | format(7) }}", "'007'"),
        ("{{ true }}", "True"),
        ("{{ 'a' ~ port }}", "'a80'"),
    ] {
        assert_eq!(render(text), expected, "{text}");
    }
}

#[test]
fn says_what_is_wrong() {
    for (text, expected) in [
        ("{{ nothing }}", "error: 'nothing' is undefined"),
        ("a {{ nothing }}", "error: 'nothing' is undefined"),
        (
            "{{ dict.nothing }}",
            "error: object of type 'dict' has no attribute 'nothing'",
        ),
        (
            "{{ loop_a }}",
            "error: Recursive loop detected in template: loop_a -> loop_b -> loop_a",
        ),
        (
            "{{ name | nofilter }}",
            "error: Syntax error in template: No filter named 'nofilter'.",
        ),
    ] {
        assert_eq!(render(text), expected, "{text}");
    }
    assert!(render("{{ name ").starts_with("error: Syntax error"));
}

/// Each as ansible-core 2.19.14 answers with ALLOW_BROKEN_CONDITIONALS.
#[test]
fn lenient_conditions_take_what_python_calls_true() {
    let lenient = engine().with_lenient_conditions(true);
    let holds = |value: Value| lenient.condition(&value, &scope(), &Context::default());
    for (text, expected) in [
        ("list", true),
        ("[]", false),
        ("{}", false),
        ("''", false),
        ("name", true),
        ("'no'", true),
        ("port", true),
        ("0", false),
        ("none", false),
        ("'a' ~ 'b'", true),
        ("{{ list }}", true),
        ("", true),
    ] {
        let result = holds(Value::template(text)).unwrap();
        assert_eq!(result, Known::Known(expected), "{text}");
    }
    for (value, expected) in [
        (Value::from(5), true),
        (Value::from(0), false),
        (Value::list(Vec::new()), false),
        (Value::list(vec![Value::from(1)]), true),
        (Value::null(), false),
    ] {
        assert_eq!(holds(value).unwrap(), Known::Known(expected));
    }
    assert!(holds(Value::template("nothing")).is_err());
    assert!(condition("list").starts_with("error: Conditional result (True)"));
}

#[test]
fn filters_and_tests_are_found_by_their_whole_names() {
    assert_eq!(
        render("{{ 5 | ansible._protomatter.finalize | ansible.builtin.string }}"),
        "'5'"
    );
    let tagged = "x is ansible._protomatter.tagged_with('TrustedAsTemplate')";
    assert!(!condition(tagged).contains("No test named"));
    assert_eq!(condition("port is ansible.builtin.integer"), "true");
}

#[test]
fn data_is_no_condition() {
    let (scope, at) = (scope(), Context::default());
    let error = engine()
        .condition(&Value::str("1 == 1"), &scope, &at)
        .unwrap_err();
    assert_eq!(
        error.message,
        "Encountered untrusted template or expression."
    );
}

#[test]
fn conditions_are_booleans_and_unknown_spreads() {
    for (text, expected) in [
        ("port == 80", "true"),
        ("result is changed", "true"),
        ("result is failed", "false"),
        ("nothing is defined", "false"),
        ("nothing is defined and nothing > 1", "false"),
        ("name in ['web', 'db']", "true"),
        ("not (port > 80)", "true"),
        ("later is changed", "true"),
        ("later.stdout == 'x'", "unknown"),
        ("'x' in later.stdout", "unknown"),
        ("later.stdout is defined", "true"),
        ("whole is defined", "true"),
        ("whole.x is defined", "unknown"),
        ("later.stdout == 1 and false", "false"),
        ("later.stdout == 1 or true", "true"),
        ("later.stdout | default(1) == 1", "unknown"),
        ("[later.stdout, 1] | length == 2", "true"),
        ("1 in [later.stdout, 1]", "true"),
        ("2 in [later.stdout, 1]", "unknown"),
        ("false and later.stdout == 'x'", "false"),
        ("'2.10' is version('2.9', '>')", "true"),
        ("{{ port == 80 }}", "true"),
        ("'abc' is match('a')", "true"),
    ] {
        assert_eq!(condition(text), expected, "{text}");
    }
    assert!(condition("name").starts_with("error: Conditional result (True)"));
    assert_eq!(
        condition("nothing == 1"),
        "error: Error while evaluating conditional: 'nothing' is undefined"
    );
}

#[test]
fn points_at_the_definition_and_at_the_mention() {
    let sources = SourceMap::default();
    let text = "mode: 0644\ntask:\n  path: 'a {{ nothing }}'\n  mode: '{{ mode }}'\n";
    let vars = crate::yaml::load(&sources, Path::new("vars.yml"), text).unwrap();
    let scope: SharedScope = Arc::new(vars.as_map().unwrap().clone());
    let engine = Engine::new(sources.clone(), Arc::new(|_| Ok(String::new())));
    let at = Context::default();
    let task = vars.get("task").unwrap();
    let mode = engine
        .render(task.get("mode").unwrap(), &scope, &at)
        .unwrap();
    assert_eq!(sources.place(mode.span).unwrap(), "vars.yml:1:7");
    let diag = engine
        .render(task.get("path").unwrap(), &scope, &at)
        .unwrap_err();
    assert_eq!(sources.place(diag.span()).unwrap(), "vars.yml:3:15");
}

#[test]
fn templates_name_templates() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "templates/base.j2",
        "<{% block head %}base{% endblock %}|{% block body %}{% endblock %}>",
    );
    write(
        "templates/macros.j2",
        "{% macro m(a) %}[{{ a }}]{% endmacro %}",
    );
    write("part.j2", "part {{ port }} {{ local | default('-') }}\n");
    let at = Context {
        search: vec![dir.path().to_owned()],
    };
    let file = |text: &str| {
        engine()
            .file(
                Path::new("main.j2"),
                text,
                &RenderOptions::default(),
                &scope(),
                &at,
            )
            .map_err(|d| d.message)
    };
    for (text, expected) in [
        (
            "{% extends 'base.j2' %}{% block head %}{{ super() }}+{{ port }}{% endblock %}x",
            "<base+80|>",
        ),
        ("{% import 'macros.j2' as k %}{{ k.m(port) }}", "[80]"),
        ("{% from 'macros.j2' import m as n %}{{ n(1) }}", "[1]"),
        (
            "{% set local = 1 %}{% include 'part.j2' %}{% include 'part.j2' without context %}",
            "part 80 1part 80 -",
        ),
        ("{% include 'nope.j2' ignore missing %}ok", "ok"),
        (
            "#jinja2: trim_blocks: False\n{% if true %}\nx{% endif %}",
            "\nx",
        ),
        ("{% if true %}\nx\n{% endif %}\n", "x\n"),
        ("{{ 'a\\nb' }}", "a\nb"),
    ] {
        assert_eq!(file(text), Ok(Some(expected.to_owned())), "{text}");
    }
    assert_eq!(file("{{ later.stdout }}"), Ok(None));
    assert_eq!(file("{{ later.changed }}"), Ok(Some("True".to_owned())));
}

proptest::proptest! {
    /// Whatever is computed from an unknown value is unknown, and the same expression over a known
    /// one is not.
    #[test]
    fn unknown_spreads(picks in proptest::collection::vec(0usize..12, 1..6)) {
        let mut text = "u".to_owned();
        for pick in picks {
            text = match pick {
                0 => format!("({text} ~ 'x')"),
                1 => format!("({text} | string)"),
                2 => format!("({text} == 'q')"),
                3 => format!("[{text}, 1][0]"),
                4 => format!("({text} if true else 2)"),
                5 => format!("(2 if {text} else 3)"),
                6 => format!("([{text}] | join(','))"),
                7 => format!("(not {text})"),
                8 => format!("({{'k': {text}}}.k)"),
                9 => format!("({text} | to_json)"),
                10 => format!("({text} is string)"),
                _ => format!("({text} in ['a', 'b'])"),
            };
        }
        let render = |value: Value| {
            let mut map = Map::new();
            map.insert("u", value);
            let scope: SharedScope = Arc::new(map);
            engine().render(
                &Value::template(format!("{{{{ {text} }}}}")),
                &scope,
                &Context::default(),
            )
        };
        let unknown = render(Value::unknown("why")).unwrap();
        proptest::prop_assert!(matches!(unknown.kind, Kind::Unknown(_)), "{text}");
        // Some are type errors over a known text; none may be unknown.
        if let Ok(known) = render(Value::str("known")) {
            proptest::prop_assert!(known.find_unknown().is_none(), "{text}");
        }
    }
}
