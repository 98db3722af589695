//! Reading HTML as far as forms need it. Our own templates quote every attribute; nothing else is understood here.

/// A form as a browser would send it.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) method: String,
    pub(crate) action: String,
    pub(crate) fields: Vec<(String, String)>,
    /// The names and values of its buttons.
    pub(crate) buttons: Vec<(String, String)>,
}

impl Form {
    /// A form of one's own making.
    pub(crate) fn of(action: &str, fields: &[(&str, &str)]) -> Self {
        let fields = fields.iter();
        Self {
            method: "post".to_owned(),
            action: action.to_owned(),
            fields: fields
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            buttons: Vec::new(),
        }
    }

    /// Every form of a page.
    pub(crate) fn all(html: &str) -> Vec<Self> {
        html.split("<form")
            .skip(1)
            .map(|rest| Self::read(rest.split("</form>").next().unwrap()))
            .collect()
    }

    fn read(html: &str) -> Self {
        let head = html.split('>').next().unwrap();
        let mut form = Self {
            method: attribute(head, "method").unwrap_or_else(|| "get".to_owned()),
            action: attribute(head, "action").unwrap_or_default(),
            fields: Vec::new(),
            buttons: Vec::new(),
        };
        let mut select: Option<(String, Option<String>)> = None;
        for tag in tags(html) {
            let value = || attribute(tag, "value").unwrap_or_default();
            let name = attribute(tag, "name");
            if tag.starts_with("input ") {
                let kind = attribute(tag, "type").unwrap_or_default();
                let is_off = matches!(kind.as_str(), "radio" | "checkbox") && !has(tag, "checked");
                form.fields
                    .extend(name.filter(|_| !is_off).map(|name| (name, value())));
            } else if tag.starts_with("button ") {
                form.buttons.extend(name.map(|name| (name, value())));
            } else if tag.starts_with("select ") {
                select = name.map(|name| (name, None));
            } else if tag.starts_with("option ") {
                let before = |chosen: Option<String>| chosen.filter(|_| !has(tag, "selected"));
                select =
                    select.map(|(name, chosen)| (name, before(chosen).or_else(|| Some(value()))));
            } else if tag.starts_with("textarea ") {
                form.fields.extend(name.map(|name| (name, String::new())));
            } else if tag == "/select" {
                let done = select.take();
                form.fields
                    .extend(done.and_then(|(name, chosen)| Some((name, chosen?))));
            }
        }
        for piece in html
            .split('<')
            .filter(|piece| piece.starts_with("textarea "))
        {
            let (tag, typed) = piece.split_once('>').unwrap_or((piece, ""));
            let name = attribute(tag, "name").unwrap_or_default();
            // The first line break belongs to the tag.
            let typed = unescaped(typed.strip_prefix('\n').unwrap_or(typed));
            form = form.with(&name, &typed);
        }
        form
    }

    /// With this typed or chosen instead of what was there.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        match self.fields.iter_mut().find(|(found, _)| found == name) {
            Some(field) => value.clone_into(&mut field.1),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// Without a field.
    #[must_use]
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(found, _)| found != name);
        self
    }

    /// Sent by this button, which must be there.
    #[must_use]
    #[track_caller]
    pub(crate) fn press(self, name: &str, value: &str) -> Self {
        let button = (name.to_owned(), value.to_owned());
        assert!(
            self.buttons.contains(&button),
            "no button {button:?} among {:?}",
            self.buttons
        );
        self.with(name, value)
    }

    /// The value of a field.
    #[track_caller]
    pub(crate) fn value(&self, name: &str) -> &str {
        let field = self.fields.iter().find(|(found, _)| found == name);
        &field.unwrap_or_else(|| panic!("no field {name}")).1
    }

    /// What is sent.
    pub(crate) fn encoded(&self) -> String {
        let pairs = self.fields.iter();
        let pairs = pairs.map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
        pairs.collect::<Vec<_>>().join("&")
    }
}

/// The value of the first input of this name.
pub(crate) fn value_of(html: &str, name: &str) -> Option<String> {
    let tag = tags(html).find(|tag| attribute(tag, "name").as_deref() == Some(name))?;
    Some(attribute(tag, "value").unwrap_or_default())
}

/// Every address the page leads to or loads from.
pub(crate) fn addresses(html: &str) -> Vec<String> {
    tags(html)
        .flat_map(|tag| ["href", "src", "action"].map(|name| attribute(tag, name)))
        .flatten()
        .collect()
}

/// What a reader reads: no tags, no scripts, white space folded, entities as their characters.
pub(crate) fn words(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some((text, tagged)) = rest.split_once('<') {
        out.push_str(text);
        out.push(' ');
        let (tag, after) = tagged.split_once('>').unwrap_or((tagged, ""));
        rest = if tag.starts_with("script") {
            after.split_once("</script>").map_or("", |(_, after)| after)
        } else {
            after
        };
    }
    out.push_str(rest);
    unescaped(&out.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The tags of a page without their brackets.
fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<')
        .skip(1)
        .map(|tag| tag.split('>').next().unwrap_or(tag))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescaped(rest.split('"').next()?))
}

fn has(tag: &str, flag: &str) -> bool {
    tag.split_whitespace().any(|word| word == flag)
}

fn unescaped(text: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&#x2f;", "/"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (entity, is)| {
        text.replace(entity, is)
    })
}

/// A text as it is written in forms and queries.
pub(crate) fn escaped(text: &str) -> String {
    let escape = |b: u8| {
        if b.is_ascii_alphanumeric() {
            char::from(b).to_string()
        } else {
            format!("%{b:02X}")
        }
    };
    text.bytes().map(escape).collect()
}

#[test]
fn a_form_is_sent_as_a_browser_would() {
    let html = r#"<p>x</p><form class="a" action="/buy?a&amp;b" method="post"><input type="hidden" name="csrf" value="T&#x27;">
        <input type="radio" name="way" value="1"><input type="radio" name="way" value="2" required checked>
        <select name="country"><option value="BE">B</option><option value="NL" selected>N</option></select>
        <button type="submit" name="step" value="go">Go</button></form>"#;
    let form = Form::all(html).remove(0);
    assert_eq!(
        (form.method.as_str(), form.action.as_str()),
        ("post", "/buy?a&b")
    );
    assert_eq!(form.encoded(), "csrf=T%27&way=2&country=NL");
    assert_eq!(
        form.press("step", "go").encoded(),
        "csrf=T%27&way=2&country=NL&step=go"
    );
}
