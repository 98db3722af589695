//! Reading the shop's pages as far as its forms need it. Our templates quote every attribute; nothing else is understood.

/// A form of a page, filled in as the page came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Form {
    /// Where it goes.
    pub(crate) action: String,
    fields: Vec<(String, String)>,
}

impl Form {
    /// An empty form.
    pub(crate) fn to(action: &str) -> Self {
        Self {
            action: action.to_owned(),
            fields: Vec::new(),
        }
    }

    /// The first form of a page that goes there.
    pub(crate) fn find(html: &str, action: &str) -> Option<Self> {
        let mut forms = html.split("<form").skip(1);
        let form = forms.find(|rest| {
            let head = rest.split('>').next().unwrap_or_default();
            attribute(head, "action").as_deref() == Some(action)
        })?;
        let inside = form.split("</form>").next()?;
        let mut fields = Vec::new();
        let mut choosing: Option<String> = None;
        for tag in tags(inside) {
            let value = || attribute(tag, "value").unwrap_or_default();
            if let Some(name) = attribute(tag, "name").filter(|_| tag.starts_with("input ")) {
                let kind = attribute(tag, "type").unwrap_or_default();
                let is_off = matches!(kind.as_str(), "radio" | "checkbox") && !has(tag, "checked");
                fields.extend((!is_off).then(|| (name, value())));
            } else if tag.starts_with("select ") {
                choosing = attribute(tag, "name");
            } else if tag.starts_with("option ") && has(tag, "selected") {
                fields.extend(choosing.take().map(|name| (name, value())));
            }
        }
        Some(Self {
            action: action.to_owned(),
            fields,
        })
    }

    /// With this typed, chosen or pressed.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        match self.fields.iter_mut().find(|(found, _)| found == name) {
            Some(field) => value.clone_into(&mut field.1),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// What is sent.
    pub(crate) fn encoded(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.fields {
            if !text.is_empty() {
                text.push('&');
            }
            escape(&mut text, name);
            text.push('=');
            escape(&mut text, value);
        }
        text
    }
}

/// The value of the first control of this name.
pub(crate) fn value_of(html: &str, name: &str) -> Option<String> {
    let tag = tags(html).find(|tag| attribute(tag, "name").as_deref() == Some(name))?;
    attribute(tag, "value")
}

/// The tags of a page without their brackets.
fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<')
        .skip(1)
        .map(|tag| tag.split('>').next().unwrap_or(tag))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag;
    loop {
        let (before, after) = rest.split_once(name)?;
        rest = after;
        if before.ends_with(' ')
            && let Some(value) = after.strip_prefix("=\"")
        {
            return Some(plain(value.split('"').next()?));
        }
    }
}

fn has(tag: &str, flag: &str) -> bool {
    tag.split_whitespace().any(|word| word == flag)
}

fn plain(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&#x2f;", "/"),
        ("&amp;", "&"),
    ];
    entities.iter().fold(text.to_owned(), |text, (entity, is)| {
        text.replace(entity, is)
    })
}

/// Adds a text as it is written in forms and queries.
pub(crate) fn escape(to: &mut String, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |four: u8| {
        let digit = DIGITS.get(usize::from(four)).copied().unwrap_or(b'0');
        char::from(digit)
    };
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            to.push(char::from(byte));
        } else {
            to.push('%');
            to.push(digit(byte >> 4));
            to.push(digit(byte & 15));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_sent_as_a_browser_would() {
        let html = r#"<form action="/search"><input name="q" value=""></form>
            <form class="a" action="/buy" method="post"><input type="hidden" name="csrf" value="T&#x27;">
            <input type="radio" name="way" value="1"><input type="radio" name="way" value="2" required checked>
            <select name="country"><option value="BE">B</option><option value="NL" selected>N</option></select>
            <button type="submit" name="step" value="go">Go</button></form>"#;
        let form = Form::find(html, "/buy").unwrap();
        assert_eq!(form.encoded(), "csrf=T%27&way=2&country=NL");
        let form = form.with("step", "go").with("country", "B E");
        assert_eq!(form.encoded(), "csrf=T%27&way=2&country=B%20E&step=go");
        assert_eq!(Form::find(html, "/sell"), None);
        assert_eq!(value_of(html, "way").as_deref(), Some("1"));
    }

    #[test]
    fn an_attribute_is_not_taken_for_one_that_ends_like_it() {
        let tag = r#"input data-name="x" name="y""#;
        assert_eq!(attribute(tag, "name").as_deref(), Some("y"));
    }
}
