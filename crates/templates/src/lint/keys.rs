//! Which texts the templates ask for, read from their source.

use std::collections::BTreeSet;

use super::source::{Piece, Source};

/// One `t(…)` in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) line: usize,
    /// Keys it may ask for; `*` stands for a part that is only known when the page is rendered. Empty if nothing is known.
    pub(crate) keys: Vec<String>,
    pub(crate) counted: bool,
    pub(crate) arguments: BTreeSet<String>,
}

/// Every `t(…)` of a template.
pub(crate) fn asked(template: &str) -> Vec<Asked> {
    let source = Source::parse(template);
    let mut found = Vec::new();
    for piece in source.pieces() {
        let Piece::Code { line, code } = piece else {
            continue;
        };
        let mut rest = code.as_str();
        let mut previous = ' ';
        while let Some(c) = rest.chars().next() {
            let is_call = rest.starts_with("t(")
                && !previous.is_alphanumeric()
                && !matches!(previous, '_' | '.' | '"' | '\'');
            if is_call && let Some(inside) = rest.get(2..) {
                found.push(call(*line, inside));
            }
            previous = c;
            rest = rest.get(c.len_utf8()..).unwrap_or("");
        }
    }
    found
}

/// Whether `pattern`, in which each `*` stands for one or more characters, fits the key.
pub(crate) fn fits(pattern: &str, key: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == key,
        Some((before, after)) => key.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices()
                .skip(1)
                .map(|(at, _)| at)
                .chain([rest.len()])
                .any(|at| at > 0 && rest.get(at..).is_some_and(|tail| fits(after, tail)))
        }),
    }
}

fn call(line: usize, inside: &str) -> Asked {
    let mut parts = split(inside, ',').into_iter();
    let key = parts.next().unwrap_or_default();
    let arguments: BTreeSet<String> = parts
        .filter_map(|part| part.split_once('=').map(|(name, _)| name.trim().to_owned()))
        .filter(|name| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_'))
        .collect();
    Asked {
        line,
        keys: keys(&key),
        counted: arguments.contains("count"),
        arguments,
    }
}

/// The keys of a key expression: `"a"`, `"a." ~ x ~ ".b"`, `"a" if x else "b"`.
fn keys(expression: &str) -> Vec<String> {
    let outermost = outermost(expression);
    if let Some(at) = outermost.find(" if ") {
        let other = outermost.rfind(" else ").map(|at| at + " else ".len());
        let ends = [
            expression.get(..at),
            other.and_then(|at| expression.get(at..)),
        ];
        return ends.into_iter().flatten().flat_map(keys).collect();
    }
    let mut pattern = String::new();
    for part in split(expression, '~') {
        match literal(&part) {
            Some(text) => pattern.push_str(text),
            None => pattern.push('*'),
        }
    }
    if pattern.chars().any(|c| c != '*') {
        vec![pattern]
    } else {
        Vec::new()
    }
}

/// The expression with everything in quotes and brackets blanked out, byte for byte.
fn outermost(expression: &str) -> String {
    let (mut depth, mut quote) = (0_usize, None);
    let mut out = String::with_capacity(expression.len());
    for c in expression.chars() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && quote.is_none() {
            out.push(c);
        } else {
            out.extend(std::iter::repeat_n('_', c.len_utf8()));
        }
    }
    out
}

fn literal(part: &str) -> Option<&str> {
    let part = part.trim();
    ['"', '\'']
        .into_iter()
        .find_map(|quote| part.strip_prefix(quote)?.strip_suffix(quote))
}

/// Splits at `separator` outside of quotes and brackets, up to the bracket that closes the call.
fn split(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut depth, mut quote) = (0_usize, None);
    for c in text.chars() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') if depth == 0 => break,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, _) if c == separator && depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(template: &str) -> Asked {
        let mut all = asked(template);
        assert_eq!(all.len(), 1, "{template}: {all:?}");
        all.remove(0)
    }

    #[test]
    fn keys_are_found_wherever_t_is_called() {
        assert_eq!(only("<a title=\"{{ t('a.b') }}\">").keys, ["a.b"]);
        assert_eq!(
            only("\n{% set x = t(\"a\" if y else 'b') %}").keys,
            ["a", "b"]
        );
        assert_eq!(
            only("{{ t(\"payment.\" ~ id ~ \".name\") }}").keys,
            ["payment.*.name"]
        );
        assert_eq!(
            only("{{ t(\"error.\" ~ (status if known else \"other\") ~ \".title\") }}").keys,
            ["error.*.title"]
        );
        assert_eq!(only("{{ t(field.label_key) }}").keys, Vec::<String>::new());
        assert!(asked("{{ print(x) }}{{ sort(a) }}{{ x.t('a') }}").is_empty());
        assert_eq!(asked("{{ t('a', x=t('b')) }}").len(), 2);
    }

    #[test]
    fn arguments_are_told_apart() {
        let found = only("{{ t(\"n\", count=cart_count, who=f(a, b=c)|x) }}");
        assert!(found.counted);
        assert_eq!(
            found.arguments.into_iter().collect::<Vec<_>>(),
            ["count", "who"]
        );
        assert_eq!(found.line, 1);
    }

    #[test]
    fn patterns_fit_whole_keys() {
        assert!(fits("a.*.name", "a.test.name"));
        assert!(fits("sort.*", "sort.newest"));
        assert!(!fits("sort.*", "sort."));
        assert!(!fits("a.*.name", "a..text"));
        assert!(fits("a", "a") && !fits("a", "ab"));
    }
}
