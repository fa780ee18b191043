//! `cmdline` and `proc_cmdline`: how the kernel was started.

use super::Facts;
use super::source::Source;
use serde_json::{Value as Json, json};

pub(super) fn gather(source: &Source) -> Facts {
    parse(&source.line("/proc/cmdline").unwrap_or_default())
}

fn parse(text: &str) -> Facts {
    let words = shell_words::split(text)
        .unwrap_or_else(|_| text.split_whitespace().map(str::to_owned).collect());
    let mut last = Facts::new();
    let mut all = Facts::new();
    for word in words {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), json!(value)),
            None => (word, json!(true)),
        };
        let list = match all.get(&name).cloned() {
            None => value.clone(),
            Some(Json::Array(mut list)) => {
                list.push(value.clone());
                Json::Array(list)
            }
            Some(one) => json!([one, value]),
        };
        all.insert(name.clone(), list);
        last.insert(name, value);
    }
    Facts::from_iter([
        ("cmdline".to_owned(), Json::Object(last)),
        ("proc_cmdline".to_owned(), Json::Object(all)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_options_are_a_list_in_one_of_them() {
        let facts = parse("quiet console=tty0 console=ttyS0 a=\"b c\"");
        assert_eq!(
            facts["cmdline"],
            json!({"quiet": true, "console": "ttyS0", "a": "b c"})
        );
        assert_eq!(facts["proc_cmdline"]["console"], json!(["tty0", "ttyS0"]));
    }
}
