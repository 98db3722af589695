//! What templates can call: `t`, `asset`, `date_range` and the filters `money`, `number`, `date`, `datetime`,
//! `json_island`, `paragraphs`. Described for theme authors in `themes/default/CONTEXTS.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::tz::TimeZone;
use kernel::Currency;
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Value};

use crate::assets::Assets;
use crate::format::{self, DateStyle, Language, MoneyStyle};
use crate::words::Words;

/// The most different complaints that are logged; a theme with more has been heard.
const MAX_COMPLAINTS: usize = 500;

/// What the functions of one environment work with.
#[derive(Debug)]
pub(crate) struct Toolbox {
    pub(crate) words: Arc<Words>,
    pub(crate) assets: Arc<Assets>,
    pub(crate) zone: TimeZone,
    /// Whether a missing text or asset fails the page. Otherwise it is shown by its name and logged once.
    pub(crate) strict: bool,
    pub(crate) told: Arc<Mutex<BTreeSet<String>>>,
}

/// Adds every function and filter to an environment.
pub(crate) fn add_to(env: &mut Environment<'static>, tools: &Arc<Toolbox>) {
    let language = tools.words.language();
    let own = || Arc::clone(tools);
    let tools = own();
    env.add_function("t", move |key: &str, arguments: Kwargs| {
        tools.say(key, &arguments)
    });
    let tools = own();
    env.add_function("asset", move |name: &str| tools.asset(name));
    let tools = own();
    env.add_function("date_range", move |from: &Value, to: &Value| {
        tools.date_range(from, to)
    });
    let tools = own();
    env.add_filter("date", move |value: &Value, style: Option<&str>| {
        tools.date(value, style)
    });
    let tools = own();
    env.add_filter("datetime", move |value: &Value, style: Option<&str>| {
        tools.datetime(value, style)
    });
    env.add_filter("money", move |value: &Value, style: Option<&str>| {
        money(language, value, style)
    });
    env.add_filter("number", move |value: i64| language.number(value));
    env.add_filter("json_island", json_island);
    env.add_filter("paragraphs", paragraphs);
}

impl Toolbox {
    fn say(&self, key: &str, kwargs: &Kwargs) -> Result<String, Error> {
        let mut count = None;
        let mut arguments = BTreeMap::new();
        for name in kwargs.args() {
            let value: Value = kwargs.get(name)?;
            if name == "count" {
                count = Some(
                    value
                        .as_i64()
                        .ok_or_else(|| wrong("t(…, count=…) wants a whole number", &value))?,
                );
            } else if value.is_undefined() && self.strict {
                return Err(Error::new(
                    ErrorKind::UndefinedError,
                    format!("t(\"{key}\", {name}=…) was given nothing"),
                ));
            } else if !value.is_none() && !value.is_undefined() {
                arguments.insert(name.to_owned(), value.to_string());
            }
        }
        self.words
            .say(key, count, &arguments)
            .or_else(|missing| self.complain(missing.to_string()).map(|()| key.to_owned()))
    }

    fn asset(&self, name: &str) -> Result<Value, Error> {
        if let Some(url) = self.assets.url(name) {
            return Ok(Value::from(url));
        }
        self.complain(format!("assets/{name} does not exist in the theme"))?;
        Ok(Value::from(format!("{}{name}", self.assets.at())))
    }

    /// Fails in strict mode; otherwise says it once in the log.
    fn complain(&self, complaint: String) -> Result<(), Error> {
        if self.strict {
            return Err(Error::new(ErrorKind::InvalidOperation, complaint));
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < MAX_COMPLAINTS && told.insert(complaint.clone()) {
            tracing::warn!("The theme has a fault: {complaint}");
        }
        Ok(())
    }

    fn date(&self, value: &Value, style: Option<&str>) -> Result<String, Error> {
        let style = match style {
            None => DateStyle::Day,
            Some("short") => DateStyle::Short,
            Some("full") => DateStyle::Full,
            Some("iso") => DateStyle::Iso,
            Some(other) => return Err(unknown_style("date", other)),
        };
        Ok(self.language().date(self.at(value)?.date(), style))
    }

    fn datetime(&self, value: &Value, style: Option<&str>) -> Result<String, Error> {
        let at = self.at(value)?;
        match style {
            None => Ok(self.language().moment(&at)),
            Some("iso") => Ok(format::rfc3339(&at)),
            Some(other) => Err(unknown_style("datetime", other)),
        }
    }

    fn date_range(&self, from: &Value, to: &Value) -> Result<String, Error> {
        Ok(self
            .language()
            .date_range(self.at(from)?.date(), self.at(to)?.date()))
    }

    fn at(&self, value: &Value) -> Result<jiff::ZonedDateTime, Error> {
        let millis = value
            .as_i64()
            .ok_or_else(|| wrong("a date is epoch milliseconds", value))?;
        format::in_zone(kernel::Timestamp::from_millis(millis), &self.zone)
            .ok_or_else(|| wrong("a date is epoch milliseconds", value))
    }

    fn language(&self) -> Language {
        self.words.language()
    }
}

fn money(language: Language, value: &Value, style: Option<&str>) -> Result<String, Error> {
    let style = match style {
        None => MoneyStyle::Plain,
        Some("full") => MoneyStyle::Full,
        Some(other) => return Err(unknown_style("money", other)),
    };
    let minor = value.get_attr("minor")?.as_i64();
    let currency = value.get_attr("currency")?;
    let currency = currency
        .as_str()
        .and_then(|code| Currency::parse(code).ok());
    match (minor, currency) {
        (Some(minor), Some(currency)) => Ok(language.money(currency.minor(minor), style)),
        _ => Err(wrong("money wants {minor, currency}", value)),
    }
}

/// JSON that can stand inside a `<script type="application/ld+json">`: nothing in it can end the element or be markup.
fn json_island(value: &Value) -> Result<Value, Error> {
    let json = serde_json::to_string(value).map_err(|error| {
        Error::new(ErrorKind::BadSerialization, "cannot write this as JSON").with_source(error)
    })?;
    let mut safe = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match c {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            other => safe.push(other),
        }
    }
    Ok(Value::from_safe_string(safe))
}

/// Plain text as paragraphs: a blank line starts a new one, a single line break stays a line break. Everything is escaped.
fn paragraphs(value: &Value) -> Result<Value, Error> {
    if value.is_none() {
        return Ok(Value::from(""));
    }
    let text = value
        .as_str()
        .ok_or_else(|| wrong("paragraphs wants text", value))?
        .replace("\r\n", "\n");
    let mut html = String::with_capacity(text.len() + 32);
    let mut open = false;
    for line in text.lines().map(str::trim) {
        if line.is_empty() {
            if open {
                html.push_str("</p>\n");
            }
            open = false;
            continue;
        }
        html.push_str(if open { "<br>\n" } else { "<p>" });
        open = true;
        escape_html(&mut html, line);
    }
    if open {
        html.push_str("</p>");
    }
    Ok(Value::from_safe_string(html.trim_end().to_owned()))
}

/// Makes text safe between tags and inside a quoted attribute. Slashes stay as they are, so that links stay readable.
pub(crate) fn escape_html(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\0' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
}

fn wrong(rule: &'static str, value: &Value) -> Error {
    let kind = value.kind();
    let shown = if kind == ValueKind::Undefined {
        "an undefined value".to_owned()
    } else {
        format!("{value:?}")
    };
    Error::new(ErrorKind::InvalidOperation, format!("{rule}, not {shown}"))
}

fn unknown_style(filter: &str, style: &str) -> Error {
    Error::new(
        ErrorKind::InvalidOperation,
        format!("the filter {filter} has no style {style:?}"),
    )
}
