//! `dns`: `/etc/resolv.conf`.

use super::Facts;
use super::source::Source;
use serde_json::{Value as Json, json};

pub(super) fn gather(source: &Source) -> Facts {
    let dns = parse(&source.text("/etc/resolv.conf").unwrap_or_default());
    Facts::from_iter([("dns".to_owned(), Json::Object(dns))])
}

fn parse(text: &str) -> Facts {
    let mut dns = Facts::new();
    let mut servers: Vec<Json> = Vec::new();
    for line in text.lines() {
        if line.starts_with(['#', ';']) {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["nameserver", rest @ ..] => servers.extend(rest.iter().map(|w| json!(w))),
            ["domain", name, ..] => drop(dns.insert("domain".into(), json!(name))),
            ["search", rest @ ..] => drop(dns.insert("search".into(), json!(rest))),
            ["sortlist", rest @ ..] => drop(dns.insert("sortlist".into(), json!(rest))),
            ["options", rest @ ..] => {
                let options = rest.iter().map(|word| match word.split_once(':') {
                    Some((name, value)) => (name.to_owned(), json!(value)),
                    None => ((*word).to_owned(), json!(true)),
                });
                dns.insert("options".into(), Json::Object(options.collect()));
            }
            _ => {}
        }
    }
    if !servers.is_empty() {
        dns.insert("nameservers".into(), Json::Array(servers));
    }
    dns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_resolv_conf() {
        let text = "# x\nnameserver 1.1.1.1\nnameserver 9.9.9.9\nsearch a.org b.org\noptions ndots:2 rotate\n";
        assert_eq!(
            Json::Object(parse(text)),
            json!({
                "search": ["a.org", "b.org"],
                "options": {"ndots": "2", "rotate": true},
                "nameservers": ["1.1.1.1", "9.9.9.9"],
            })
        );
        assert!(parse("").is_empty());
    }
}
