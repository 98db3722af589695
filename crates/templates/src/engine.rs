//! The environment every page and mail is rendered in.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, merge_maps};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value,
};
use serde::Serialize;

use crate::assets::{AssetError, Assets};
use crate::functions::{self, Toolbox};
use crate::page::{Mail, MailText, Page, mail_parts};
use crate::theme::{Theme, ThemeError};
use crate::words::{Words, WordsError};

/// How much work one page may be: some forty times what a listing of 48 products needs.
const FUEL: u64 = 1_000_000;
/// How deep templates may include and call each other.
const RECURSION: usize = 60;
/// How many pairs of locale and time zone are kept ready. A shop has one or a few.
const MAX_VOICES: usize = 16;

/// How templates are found and how forgiving they are.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The merchant's theme folder, over the default theme.
    pub folder: Option<PathBuf>,
    /// How often changed files are looked for: `None` never, zero before every page.
    pub look_every: Option<Duration>,
    /// Whether an undefined variable, a missing text or a missing asset fails the page. On in tests and in
    /// `theme check`; off in a running shop, where a page with a gap beats no page.
    pub strict: bool,
}

impl Default for Settings {
    /// The default theme; looked at before every page in a debug build, where it is read from the source tree.
    fn default() -> Self {
        Self {
            folder: None,
            look_every: cfg!(debug_assertions).then_some(Duration::ZERO),
            strict: false,
        }
    }
}

impl Settings {
    /// The default theme, unforgiving: for tests.
    pub fn strict() -> Self {
        Self {
            strict: true,
            look_every: None,
            ..Self::default()
        }
    }

    /// A merchant's folder, looked at every second.
    pub fn with_folder(folder: PathBuf) -> Self {
        Self {
            folder: Some(folder),
            look_every: Some(Duration::from_secs(1)),
            strict: false,
        }
    }
}

/// In which words, formats and time zone a page speaks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Voice {
    locale: String,
    zone: String,
}

impl Voice {
    /// A BCP 47 tag such as `en-GB` and an IANA zone such as `Europe/Amsterdam`. A locale without texts of its own falls
    /// back to its language, then to English; an unknown zone is refused here.
    pub fn new(locale: &str, zone: &str) -> Result<Self, RenderError> {
        TimeZone::get(zone).map_err(|source| RenderError::UnknownZone {
            zone: zone.to_owned(),
            source,
        })?;
        Ok(Self {
            locale: locale.to_owned(),
            zone: zone.to_owned(),
        })
    }

    /// British English and UTC: for pages when the shop's settings cannot be read.
    pub fn neutral() -> Self {
        Self {
            locale: "en-GB".to_owned(),
            zone: "UTC".to_owned(),
        }
    }

    /// The locale's tag.
    pub fn locale(&self) -> &str {
        &self.locale
    }

    /// The zone's name.
    pub fn zone(&self) -> &str {
        &self.zone
    }
}

/// Why a page could not be rendered. For the log, never for the visitor.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The template is missing or faulty.
    #[error("rendering {template}: {source:#}")]
    Template {
        /// The template asked for.
        template: String,
        /// What minijinja says, with the place.
        source: Error,
    },
    /// The theme's files could not be read.
    #[error(transparent)]
    Theme(#[from] ThemeError),
    /// The theme's assets are faulty.
    #[error(transparent)]
    Assets(#[from] AssetError),
    /// The locale files are faulty.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// Not a time zone.
    #[error("{zone} is not a time zone; use a name like Europe/Amsterdam")]
    UnknownZone {
        /// What was given.
        zone: String,
        /// Why.
        source: jiff::Error,
    },
}

impl kernel::Coded for RenderError {
    fn code(&self) -> kernel::Code {
        kernel::Code::Internal
    }
}

/// The one place pages and mails are rendered. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Templates(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: Settings,
    theme: Theme,
    loaded: Mutex<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    engine: Arc<Engine>,
    stamp: u64,
    looked: Instant,
    edition: u64,
}

/// A theme as it was read at one time.
#[derive(Debug)]
pub(crate) struct Engine {
    theme: Theme,
    strict: bool,
    words: BTreeMap<String, Arc<Words>>,
    assets: Arc<Assets>,
    told: Arc<Mutex<BTreeSet<String>>>,
    environments: RwLock<HashMap<Voice, Arc<Environment<'static>>>>,
}

impl Templates {
    /// Reads the theme: its assets and texts now, each template when first used.
    pub fn load(settings: Settings) -> Result<Self, RenderError> {
        let theme = match &settings.folder {
            Some(folder) => Theme::with_folder(folder)?,
            None => Theme::built_in(),
        };
        Self::of(settings, theme)
    }

    /// Reads the pages of staff, which no theme can change. Of the settings, `folder` does not count.
    pub fn back_office(settings: Settings) -> Result<Self, RenderError> {
        Self::of(settings, Theme::back_office())
    }

    fn of(settings: Settings, theme: Theme) -> Result<Self, RenderError> {
        let stamp = if settings.look_every.is_some() {
            theme.stamp()?
        } else {
            0
        };
        let engine = Arc::new(Engine::load(&theme, settings.strict)?);
        let loaded = Mutex::new(Loaded {
            engine,
            stamp,
            looked: Instant::now(),
            edition: 0,
        });
        Ok(Self(Arc::new(Shared {
            settings,
            theme,
            loaded,
        })))
    }

    /// Renders a page inside its frame: `frame` is what every page receives (shop, navigation, cart count, …).
    pub fn render<P: Page>(
        &self,
        voice: &Voice,
        frame: &impl Serialize,
        page: &P,
    ) -> Result<String, RenderError> {
        let context = merge_maps([Value::from(Serde(frame)), Value::from(Serde(page))]);
        self.engine()?.render(voice, P::TEMPLATE, &context)
    }

    /// Renders the parts of a mail.
    pub fn render_mail<M: Mail>(
        &self,
        voice: &Voice,
        frame: &impl Serialize,
        mail: &M,
    ) -> Result<MailText, RenderError> {
        let engine = self.engine()?;
        let context = merge_maps([Value::from(Serde(frame)), Value::from(Serde(mail))]);
        let [subject, html, text] = mail_parts(M::NAME);
        // A line break in a subject would be a second header.
        let subject = engine
            .render(voice, &subject, &context)?
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        Ok(MailText {
            subject,
            html: engine.render(voice, &html, &context)?,
            text: engine.render(voice, &text, &context)?,
        })
    }

    /// The texts of a locale, for sentences that are made in Rust.
    pub fn words(&self, voice: &Voice) -> Result<Arc<Words>, RenderError> {
        Ok(self.engine()?.words(voice.locale()))
    }

    /// The assets as they are now.
    pub fn assets(&self) -> Result<Arc<Assets>, RenderError> {
        Ok(Arc::clone(&self.engine()?.assets))
    }

    /// The files templates come from.
    pub fn theme(&self) -> &Theme {
        &self.0.theme
    }

    /// How often the theme has been read anew: what was rendered is out of date when this has risen.
    pub fn edition(&self) -> Result<u64, RenderError> {
        Ok(self.loaded()?.edition)
    }

    /// Renders a template that has no type, with a ready context: for checks.
    pub(crate) fn engine(&self) -> Result<Arc<Engine>, RenderError> {
        Ok(Arc::clone(&self.loaded()?.engine))
    }

    fn loaded(&self) -> Result<MutexGuard<'_, Loaded>, RenderError> {
        let shared = &*self.0;
        let mut loaded = shared.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(every) = shared.settings.look_every
            && loaded.looked.elapsed() >= every
        {
            let stamp = shared.theme.stamp()?;
            if stamp != loaded.stamp {
                loaded.engine = Arc::new(Engine::load(&shared.theme, shared.settings.strict)?);
                loaded.stamp = stamp;
                loaded.edition = loaded.edition.wrapping_add(1);
            }
            loaded.looked = Instant::now();
        }
        Ok(loaded)
    }
}

impl Engine {
    pub(crate) fn load(theme: &Theme, strict: bool) -> Result<Self, RenderError> {
        Ok(Self {
            theme: theme.clone(),
            strict,
            words: Words::load(theme)?
                .into_iter()
                .map(|(tag, words)| (tag, Arc::new(words)))
                .collect(),
            assets: Arc::new(Assets::build(theme)?),
            told: Arc::default(),
            environments: RwLock::default(),
        })
    }

    pub(crate) fn render(
        &self,
        voice: &Voice,
        template: &str,
        context: &Value,
    ) -> Result<String, RenderError> {
        let fault = |source| RenderError::Template {
            template: template.to_owned(),
            source,
        };
        let env = self.environment(voice)?;
        env.get_template(template)
            .map_err(fault)?
            .render(context.clone())
            .map_err(fault)
    }

    /// The tags of every locale there is.
    pub(crate) fn locales(&self) -> impl Iterator<Item = &str> {
        self.words.keys().map(String::as_str)
    }

    pub(crate) fn words(&self, locale: &str) -> Arc<Words> {
        let language = locale.split(['-', '_']).next().unwrap_or(locale);
        [locale, language, "en"]
            .iter()
            .find_map(|tag| self.words.get(*tag))
            .map(Arc::clone)
            .expect("a theme without English texts is refused when it is loaded")
    }

    pub(crate) fn environment(
        &self,
        voice: &Voice,
    ) -> Result<Arc<Environment<'static>>, RenderError> {
        if let Some(env) = self
            .environments
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(voice)
        {
            return Ok(Arc::clone(env));
        }
        let env = Arc::new(self.new_environment(voice)?);
        let mut environments = self
            .environments
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if environments.len() >= MAX_VOICES {
            environments.clear();
        }
        environments.insert(voice.clone(), Arc::clone(&env));
        Ok(env)
    }

    fn new_environment(&self, voice: &Voice) -> Result<Environment<'static>, RenderError> {
        let zone = TimeZone::get(&voice.zone).map_err(|source| RenderError::UnknownZone {
            zone: voice.zone.clone(),
            source,
        })?;
        let tools = Arc::new(Toolbox {
            words: self.words(&voice.locale),
            assets: Arc::clone(&self.assets),
            zone,
            strict: self.strict,
            told: Arc::clone(&self.told),
        });
        let mut env = Environment::new();
        let theme = self.theme.clone();
        env.set_loader(move |name| {
            theme.read_text(name).map_err(|error| {
                Error::new(ErrorKind::InvalidOperation, error.to_string()).with_source(error)
            })
        });
        env.set_auto_escape_callback(escaping);
        env.set_formatter(write_value);
        env.set_undefined_behavior(if self.strict {
            UndefinedBehavior::Strict
        } else {
            UndefinedBehavior::Chainable
        });
        env.set_fuel(Some(FUEL));
        env.set_recursion_limit(RECURSION);
        env.set_syntax(
            SyntaxConfig::builder()
                .trim_blocks(true)
                .lstrip_blocks(true)
                .build()
                .map_err(|source| RenderError::Template {
                    template: "(syntax)".to_owned(),
                    source,
                })?,
        );
        functions::add_to(&mut env, &tools);
        Ok(env)
    }
}

/// Everything is HTML, whatever its name, except the plain-text parts of mails.
fn escaping(name: &str) -> AutoEscape {
    let is_mail_text = name.starts_with("mail/")
        && std::path::Path::new(name)
            .extension()
            .is_some_and(|extension| extension == "txt");
    if is_mail_text {
        AutoEscape::None
    } else {
        AutoEscape::Html
    }
}

/// Writes `{{ value }}`: nothing for `none`, escaped text for everything that is not marked safe.
fn write_value(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    if value.is_none() || value.is_undefined() {
        // Strict mode has refused undefined values before it asks for their text.
        return Ok(());
    }
    let html = !matches!(state.auto_escape(), AutoEscape::None);
    let text = match value.as_str() {
        Some(text) => std::borrow::Cow::Borrowed(text),
        None => std::borrow::Cow::Owned(value.to_string()),
    };
    if html && !value.is_safe() {
        let mut escaped = String::with_capacity(text.len() + 8);
        functions::escape_html(&mut escaped, &text);
        out.write_str(&escaped).map_err(Error::from)
    } else {
        out.write_str(&text).map_err(Error::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    fn money(minor: i64) -> Json {
        json!({"minor": minor, "currency": "EUR"})
    }

    fn card() -> Json {
        let picture = json!({
            "alt": "A vase", "width": 1200, "height": 1500, "ground": "#E2B49A", "src": "/media/0123456789abcdef/800.webp",
            "srcset": "/media/0123456789abcdef/320.webp 320w, /media/0123456789abcdef/800.webp 800w", "large": "/media/0123456789abcdef/1600.webp"
        });
        let swatch = json!({"name": "Spruce", "color": "#2F5D4E"});
        json!({
            "name": "Tall vase, hand-thrown", "url": "/products/tall-vase", "picture": picture, "note": "Fig, cocoa, orange peel",
            "price": money(6_800), "price_varies": true, "compare_at": money(8_000), "saving": money(1_200),
            "unit_price": null, "badge": "save", "left": null, "swatches": vec![swatch; 5], "swatches_more": 3
        })
    }

    fn long_listing(cards: usize) -> Json {
        let choice = json!({"value": "newest", "chosen": false});
        let number = json!({"number": 2, "url": "/c/vases?page=2", "current": false});
        let link = json!({"name": "Vases", "url": "/c/vases", "current": false, "count": 12});
        let nav = json!({"name": "Kitchen", "url": "/c/kitchen", "current": true, "children": vec![link.clone(); 8]});
        json!({
            "listing": {
                "kind": "category", "name": "Vases", "intro": "For one stem or fifty.", "slug": "vases",
                "breadcrumb": [{"name": "Kitchen", "url": "/c/kitchen"}, {"name": "Vases", "url": null}],
                "children": vec![link; 8], "siblings": [], "total": 61, "first": 1, "last": cards, "cards": vec![card(); cards],
                "sort": {"action": "/c/vases", "keep": [], "choices": vec![choice; 6]},
                "pagination": {"page": 1, "pages": 3, "previous_url": null, "next_url": "/c/vases?page=2", "numbers": vec![number; 7]}
            },
            "shop": {
                "name": "Shop", "tagline": null, "intro": null, "announcement": null, "locale": "en-GB", "dir": "ltr", "scheme": null,
                "currency": "EUR", "taxes_included": true, "email": null, "phone": null, "address_lines": [],
                "free_delivery_over": null, "returns_days": 30, "origin": "https://shop.example", "test_mode": false
            },
            "page": {"path": "/c/vases", "canonical": null, "noindex": false, "status": 200},
            "nav": vec![nav; 8], "links": [], "cart_count": 3, "csrf": "x", "search_query": "", "notices": []
        })
    }

    #[test]
    fn a_long_listing_needs_a_small_part_of_the_budget() {
        let templates = Templates::load(Settings {
            look_every: None,
            ..Settings::default()
        })
        .unwrap();
        let engine = templates.engine().unwrap();
        let env = engine.environment(&Voice::neutral()).unwrap();
        let page = env.get_template("pages/category.html").unwrap();
        let drawn = page
            .render_captured(Value::from(Serde(long_listing(48))))
            .unwrap();
        assert_eq!(drawn.output().matches("class=\"card\"").count(), 48);
        let (used, _left) = drawn.state().fuel_levels().unwrap();
        assert!(used * 20 < FUEL, "{used} of {FUEL}");
    }
}
