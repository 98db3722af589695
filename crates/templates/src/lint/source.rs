//! A template as its HTML tags and its code pieces, each with its line. Comments of both kinds are left out.
//!
//! This reads templates as their authors write them; it is not an HTML parser. Code inside a tag (`<a {% if x %}…`) is
//! understood, quotes and all.

/// A template taken apart.
#[derive(Debug)]
pub(super) struct Source {
    pieces: Vec<Piece>,
}

/// A part of a template that has rules.
#[derive(Debug)]
pub(super) enum Piece {
    /// What is inside `{{ … }}` or `{% … %}`.
    Code { line: usize, code: String },
    /// A start tag, or an end tag (its name starts with `/`).
    Tag(Tag),
}

/// A tag.
#[derive(Debug)]
pub(super) struct Tag {
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) attributes: Vec<Attribute>,
}

/// An attribute; its value still contains template code.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) unquoted: bool,
}

impl Tag {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|a| a.name == name)
            .map(|a| a.value.as_str())
    }

    pub(super) fn is(&self, name: &str, value: &str) -> bool {
        self.attribute(name)
            .is_some_and(|v| v.eq_ignore_ascii_case(value))
    }
}

impl Source {
    pub(super) fn parse(text: &str) -> Self {
        let mut reader = Reader {
            rest: text,
            line: 1,
            pieces: Vec::new(),
        };
        reader.read();
        Self {
            pieces: reader.pieces,
        }
    }

    pub(super) fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.pieces.iter()
    }
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    pieces: Vec<Piece>,
}

impl Reader<'_> {
    fn read(&mut self) {
        while !self.rest.is_empty() {
            if self.skip("{#", "#}") || self.skip("<!--", "-->") || self.code().is_some() {
                continue;
            }
            let after = self
                .rest
                .strip_prefix('<')
                .and_then(|rest| rest.chars().next());
            if after.is_some_and(|c| c.is_ascii_alphabetic() || c == '/') {
                self.tag();
            } else {
                self.step();
            }
        }
    }

    /// Takes one character.
    fn step(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.take(c.len_utf8());
        Some(c)
    }

    /// Takes so many bytes, counting lines.
    fn take(&mut self, bytes: usize) -> String {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken.to_owned()
    }

    fn skip(&mut self, open: &str, close: &str) -> bool {
        if !self.rest.starts_with(open) {
            return false;
        }
        let end = self
            .rest
            .find(close)
            .map_or(self.rest.len(), |at| at + close.len());
        self.take(end);
        true
    }

    /// Takes `{{ … }}` or `{% … %}` whole, and returns it as written.
    fn code(&mut self) -> Option<String> {
        let close = match self.rest.get(..2) {
            Some("{{") => "}}",
            Some("{%") => "%}",
            _ => return None,
        };
        let line = self.line;
        let mut length = 2;
        let mut quote = None;
        for (at, c) in self.rest.char_indices().skip(2) {
            length = at + c.len_utf8();
            match (quote, c) {
                (None, '"' | '\'') => quote = Some(c),
                (Some(open), _) if open == c => quote = None,
                (None, _)
                    if self
                        .rest
                        .get(at..)
                        .is_some_and(|rest| rest.starts_with(close)) =>
                {
                    length = at + 2;
                    break;
                }
                _ => {}
            }
        }
        let whole = self.take(length);
        let code = whole
            .trim_matches(['{', '}', '%', '-', '+'])
            .trim()
            .to_owned();
        self.pieces.push(Piece::Code { line, code });
        Some(whole)
    }

    fn tag(&mut self) {
        let line = self.line;
        self.step(); // <
        let name = self
            .word(|c| c.is_ascii_alphanumeric() || c == '/' || c == '-')
            .to_ascii_lowercase();
        let mut tag = Tag {
            line,
            name,
            attributes: Vec::new(),
        };
        while !self.rest.is_empty() {
            if self.code().is_some() || self.skip("{#", "#}") {
                continue;
            }
            match self.rest.chars().next() {
                Some('>') => {
                    self.step();
                    break;
                }
                Some(c) if c.is_whitespace() || c == '/' || c == '"' || c == '\'' => {
                    self.step();
                }
                _ => {
                    let attribute = self.attribute();
                    tag.attributes.push(attribute);
                }
            }
        }
        self.pieces.push(Piece::Tag(tag));
    }

    fn attribute(&mut self) -> Attribute {
        let mut name = self
            .word(|c| !c.is_whitespace() && !matches!(c, '=' | '>' | '/' | '"' | '\'' | '{'))
            .to_ascii_lowercase();
        if name.is_empty() {
            // A stray sign such as a lone brace: take it, so that reading goes on.
            name.extend(self.step());
        }
        let mut attribute = Attribute {
            name,
            value: String::new(),
            unquoted: false,
        };
        if !self.rest.starts_with('=') {
            return attribute;
        }
        self.step();
        let quote = self.rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        if quote.is_some() {
            self.step();
        }
        attribute.unquoted = quote.is_none();
        while let Some(c) = self.rest.chars().next() {
            if let Some(code) = self.code() {
                attribute.value.push_str(&code);
                continue;
            }
            let ends = quote.map_or(c.is_whitespace() || c == '>', |quote| c == quote);
            if ends {
                break;
            }
            attribute.value.extend(self.step());
        }
        if quote.is_some() {
            self.step();
        }
        attribute
    }

    fn word(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        self.take(end)
    }
}
