//! What a text is before it is parsed: no template, one expression, or more.

/// True if a text has to be rendered at all.
pub fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// The expression of a text that is one `{{ expression }}` and nothing else.
pub fn single_expression(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    let inner = inner.strip_suffix('-').unwrap_or(inner);
    closes_at_end(inner).then(|| inner.trim())
}

/// False if an expression ends before the end of the text: there is a `}}` outside of strings and
/// braces.
fn closes_at_end(text: &str) -> bool {
    let mut braces = 0usize;
    let mut quote: Option<char> = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => {
                chars.next();
            }
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '{') if braces == 0 && chars.peek() == Some(&'%') => return false,
            (None, '{') => braces += 1,
            (None, '}') if braces == 0 => return false,
            (None, '}') => braces -= 1,
            _ => {}
        }
    }
    quote.is_none() && braces == 0
}

/// True for a plain name.
pub fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
        && !matches!(
            text,
            "true" | "false" | "none" | "True" | "False" | "None" | "not"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_single_expressions() {
        assert_eq!(single_expression("{{ a }}"), Some("a"));
        assert_eq!(
            single_expression("{{ {'a': {'b': 1}} }}"),
            Some("{'a': {'b': 1}}")
        );
        assert_eq!(single_expression("{{ '}}' }}"), Some("'}}'"));
        assert_eq!(single_expression("{{ a }}{{ b }}"), None);
        assert_eq!(single_expression("{{ a }} "), None);
        assert_eq!(single_expression("x{{ a }}"), None);
        assert_eq!(single_expression("{{ a }}{% if b %}{{ c }}"), None);
    }
}
