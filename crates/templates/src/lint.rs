//! Rules of the theme that can be seen without rendering: what the content security policy would block, what would not work
//! without JavaScript, what would let a value become markup.

use std::collections::BTreeSet;

use crate::check::Fault;
use crate::theme::{Theme, ThemeError};
use crate::words::Words;

pub(crate) mod keys;
mod source;

use source::{Attribute, Piece, Source, Tag};

/// Reads every template of the theme and returns what breaks a rule, in order.
pub fn lint(theme: &Theme) -> Result<Vec<Fault>, ThemeError> {
    let mut faults = Vec::new();
    for path in templates(theme)? {
        let text = theme.read_text(&path)?.unwrap_or_default();
        lint_template(&path, &text, &mut faults);
    }
    faults.sort();
    Ok(faults)
}

/// Compares the texts that are asked for with those there are.
///
/// A template may ask only for what exists, with the arguments the text names; a pattern such as `t("sort." ~ x)` must fit
/// something. `made_elsewhere` are the keys Rust code asks for: whole keys, or patterns with `*`. What nobody asks for is
/// reported too: nobody would notice it being wrong.
pub fn lint_words(
    theme: &Theme,
    words: &Words,
    made_elsewhere: &[String],
) -> Result<Vec<Fault>, ThemeError> {
    let mut faults = Vec::new();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for path in templates(theme)? {
        let text = theme.read_text(&path)?.unwrap_or_default();
        for asked in keys::asked(&text) {
            let complaints = asked
                .keys
                .iter()
                .flat_map(|pattern| answer(pattern, &asked, words, &mut used))
                .collect::<Vec<_>>();
            faults.extend(complaints.into_iter().map(|text| Fault {
                place: path.clone(),
                line: Some(asked.line),
                text,
            }));
        }
    }
    let made = |key: &str| {
        let stem = key
            .strip_suffix(".one")
            .or_else(|| key.strip_suffix(".other"))
            .unwrap_or(key);
        made_elsewhere
            .iter()
            .any(|pattern| keys::fits(pattern, key) || keys::fits(pattern, stem))
    };
    for key in words.keys().filter(|key| !used.contains(key) && !made(key)) {
        let place = format!("locales/{}.json", words.tag());
        faults.push(Fault {
            place,
            line: None,
            text: format!("nothing asks for {key}; remove it, or use it"),
        });
    }
    faults.sort();
    Ok(faults)
}

/// Marks the texts that one `t(…)` can get as used, and says what it lacks.
fn answer<'w>(
    pattern: &str,
    asked: &keys::Asked,
    words: &'w Words,
    used: &mut BTreeSet<&'w str>,
) -> Vec<String> {
    let form = |key: &'w str| {
        let stem = key
            .rsplit_once('.')
            .filter(|_| asked.counted)
            .map(|(stem, _)| stem);
        keys::fits(pattern, stem.unwrap_or(key))
    };
    let fitting: Vec<&str> = words.keys().filter(|key| form(key)).collect();
    if fitting.is_empty() {
        return vec![format!(
            "asks for the text {pattern}, which locale {} does not have",
            words.tag()
        )];
    }
    let mut complaints = Vec::new();
    for key in fitting {
        used.insert(key);
        let missing = Words::arguments(words.raw(key).unwrap_or_default())
            .into_iter()
            .filter(|name| !asked.arguments.contains(*name));
        complaints.extend(
            missing.map(|name| format!("the text {key} wants {{{name}}}, which is not given")),
        );
    }
    complaints
}

/// The paths of all templates of a theme.
pub(crate) fn templates(theme: &Theme) -> Result<Vec<String>, ThemeError> {
    let is_template = |path: &String| {
        ["layout/", "pages/", "sections/", "partials/", "mail/"]
            .iter()
            .any(|folder| path.starts_with(folder))
    };
    Ok(theme.list("")?.into_iter().filter(is_template).collect())
}

pub(crate) fn lint_template(path: &str, text: &str, faults: &mut Vec<Fault>) {
    let source = Source::parse(text);
    let is_mail = path.starts_with("mail/");
    let mut say = |line: usize, text: String| {
        faults.push(Fault {
            place: path.to_owned(),
            line: Some(line),
            text,
        });
    };
    let mut form: Option<(usize, bool)> = None; // a posting form's line, and whether its csrf field was seen
    for piece in source.pieces() {
        match piece {
            Piece::Code { line, code } => {
                for complaint in code_complaints(code) {
                    say(*line, complaint);
                }
                if let Some((_, seen)) = &mut form {
                    *seen |= code.contains("csrf");
                }
            }
            Piece::Tag(tag) => {
                tag_complaints(tag, is_mail, &mut say);
                if tag.name == "form" && tag.is("method", "post") {
                    form = Some((tag.line, false));
                }
                let ended = if tag.name == "/form" {
                    form.take()
                } else {
                    None
                };
                if let Some((line, false)) = ended {
                    say(line, "a form that posts has no csrf field".to_owned());
                }
                if let Some((_, seen)) = &mut form {
                    *seen |= tag.is("name", "csrf");
                }
            }
        }
    }
}

/// What is wrong in a `{{ … }}` or `{% … %}`.
fn code_complaints(code: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let code = &without_strings(code);
    let mut before = String::new();
    for (index, part) in code.split('|').enumerate() {
        let filter: String = part
            .trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        if index > 0 && filter == "safe" && !before.ends_with("_html") {
            complaints.push(format!(
                "|safe is for fields named …_html, which the shop has sanitised; not for {before}"
            ));
        }
        part.trim().clone_into(&mut before);
    }
    let mut words = code.split_whitespace();
    let first = words.next();
    if first == Some("set") && words.next().is_some_and(|name| name.ends_with("_html")) {
        complaints
            .push("only the shop names things …_html: it means they are sanitised".to_owned());
    }
    if first == Some("autoescape") {
        complaints.push("escaping is never turned off; remove the autoescape block".to_owned());
    }
    complaints
}

/// The code with every quoted string emptied.
fn without_strings(code: &str) -> String {
    let mut quote = None;
    let keep = |c: &char| match (quote, *c) {
        (None, '"' | '\'') => {
            quote = Some(*c);
            true
        }
        (Some(open), c) if open == c => {
            quote = None;
            true
        }
        (open, _) => open.is_none(),
    };
    code.chars().filter(keep).collect()
}

fn tag_complaints(tag: &Tag, is_mail: bool, say: &mut impl FnMut(usize, String)) {
    let line = tag.line;
    match tag.name.as_str() {
        "script" if !tag.is("type", "application/ld+json") && tag.attribute("src").is_none() => {
            say(
                line,
                "no inline script: put it into assets/ and use <script src=\"{{ asset(…) }}\">"
                    .to_owned(),
            );
        }
        "style" if !is_mail => say(line, "no inline style: put it into assets/".to_owned()),
        "base" | "object" | "embed" | "iframe" | "applet" => {
            say(
                line,
                format!("<{}> is blocked by the content security policy", tag.name),
            );
        }
        _ => {}
    }
    for attribute in &tag.attributes {
        attribute_complaints(tag, attribute, is_mail, say);
    }
}

fn attribute_complaints(
    tag: &Tag,
    attribute: &Attribute,
    is_mail: bool,
    say: &mut impl FnMut(usize, String),
) {
    let (line, name) = (tag.line, attribute.name.as_str());
    if name == "style" && !is_mail {
        say(
            line,
            "no style attribute: the content security policy blocks it; use a class".to_owned(),
        );
    }
    if name.starts_with("on") && name.len() > 2 {
        say(
            line,
            format!(
                "no {name} attribute: the content security policy blocks it; use a script in assets/"
            ),
        );
    }
    if name.starts_with("hx-") || name.starts_with("data-hx-") {
        let works_without = match tag.name.as_str() {
            "a" => tag.attribute("href").is_some(),
            "form" => tag.attribute("action").is_some(),
            _ => false,
        };
        if !works_without {
            say(
                line,
                format!(
                    "{name} on <{}>: only a link with href or a form with action may have it, so that the page works without JavaScript",
                    tag.name
                ),
            );
        }
    }
    if attribute.unquoted && attribute.value.contains("{{") {
        say(
            line,
            format!(
                "quote the value of {name}: without quotes a space in it starts a new attribute"
            ),
        );
    }
    if attribute
        .value
        .trim_start()
        .to_ascii_lowercase()
        .starts_with("javascript:")
    {
        say(line, format!("no script in {name}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, text: &str) -> Vec<String> {
        let mut faults = Vec::new();
        lint_template(path, text, &mut faults);
        faults.into_iter().map(|fault| fault.to_string()).collect()
    }

    fn refused(text: &str, because: &str) {
        let said = complaints("pages/x.html", text);
        assert!(
            said.len() == 1 && said[0].contains(because),
            "{text}: {said:?}"
        );
    }

    fn accepted(text: &str) {
        assert_eq!(
            complaints("pages/x.html", text),
            Vec::<String>::new(),
            "{text}"
        );
    }

    #[test]
    fn what_the_content_security_policy_would_block_is_refused() {
        refused(
            "<p>\n<script>alert(1)</script>",
            "pages/x.html:2: no inline script",
        );
        refused("<style>a{}</style>", "no inline style");
        refused("<p style=\"color:red\">", "no style attribute");
        refused("<button onclick=\"x()\">", "no onclick attribute");
        refused(
            "<a {% if x %}onfocus='x'{% endif %} href=\"/\">",
            "no onfocus attribute",
        );
        refused("<iframe src=\"/\">", "blocked by the content");
        refused("<a href=\"javascript:x\">", "no script in href");
        accepted("<script src=\"{{ asset('shop.js') }}\" defer></script>");
        accepted("<script type=\"application/ld+json\">{{ json_ld|json_island }}</script>");
        accepted(
            "{# <script>old</script> #}<!-- <style> --><svg><rect fill=\"{{ ground }}\"/></svg>",
        );
        assert_eq!(
            complaints("mail/x.html", "<td style=\"padding:0\">"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn htmx_only_improves_links_and_forms() {
        refused("<button hx-post=\"/x\">", "hx-post on <button>");
        refused("<a hx-get=\"/x\">", "only a link with href");
        refused("<form method=get hx-boost=\"true\">", "form with action");
        accepted("<a href=\"{{ url }}\" hx-select=\"#bag\">x</a>");
        accepted("<form action=\"/search\" {% if a > b %}hx-target=\"#x\"{% endif %}></form>");
    }

    #[test]
    fn no_value_can_become_markup() {
        refused(
            "{{ product.name|safe }}",
            "|safe is for fields named …_html",
        );
        refused("{% set bio_html = name %}", "only the shop names things");
        refused("{% autoescape false %}", "escaping is never turned off");
        refused("<input value={{ x }}>", "quote the value of value");
        accepted("{{ product.description_html|safe }}<p>{{ a|money|default('|safe') }}</p>");
    }

    #[test]
    fn every_posting_form_carries_the_csrf_field() {
        refused(
            "<form method=\"post\" action=\"/cart\"><input name=\"q\"></form>",
            "no csrf field",
        );
        accepted(
            "<form method=\"post\" action=\"/cart\"><input type=\"hidden\" name=\"csrf\" value=\"{{ csrf }}\"></form>",
        );
        accepted("<form method=\"post\" action=\"/cart\">{{ form.csrf(csrf) }}</form>");
        accepted("<form method=\"get\" action=\"/search\"></form>");
    }
}
