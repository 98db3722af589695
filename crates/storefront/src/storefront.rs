//! The storefront as a value, and the way from a request to a page.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use commerce::catalog;
use commerce::schema::WATCHED;
use commerce::{Internal, Shop, Shopper};
use db::Tx;
use http::StatusCode;
use http::request::Parts;
use kernel::{Code, Slug, Timestamp};
use templates::{Page, Templates, Voice};
use web::{Asked, Html, Private, Problem, ReadyPage, Visitor};

use crate::cache::{Address, Drawn, Memo, PageCache};
use crate::frame::{Base, Frame, NavView, PageView, ShopView};
use crate::say::Say;
use crate::test_gateway::HostedTestPage;
use crate::views::{self, Notice};

/// Where the web app manifest is served.
pub(crate) const MANIFEST: &str = "/manifest.webmanifest";

/// Everything the storefront's handlers reach. Cheap to clone.
#[derive(Clone)]
pub struct Storefront(Arc<Inner>);

struct Inner {
    shop: Shop,
    templates: Templates,
    data: Option<String>,
    test_page: Option<Arc<dyn HostedTestPage>>,
    cache: Arc<PageCache>,
    memo: Arc<Memo>,
    /// The shop as it was last read, for pages that must not ask the database.
    remembered: RwLock<Option<Remembered>>,
}

#[derive(Clone)]
pub(crate) struct Remembered {
    pub(crate) shop: ShopView,
    pub(crate) nav: Vec<NavView>,
}

impl Storefront {
    /// The storefront of a shop.
    pub fn new(shop: Shop, templates: Templates) -> Self {
        shop.db.watch(WATCHED);
        Self(Arc::new(Inner {
            shop,
            templates,
            data: None,
            test_page: None,
            cache: Arc::new(PageCache::new(crate::cache::DEFAULT_BYTES)),
            memo: Arc::default(),
            remembered: RwLock::default(),
        }))
    }

    /// The same, knowing where the shop keeps its data: shown to its owner while the shop is empty. Without credentials.
    #[must_use]
    pub fn with_data_at(self, data: impl Into<String>) -> Self {
        let data = Some(data.into());
        Self(Arc::new(Inner {
            data,
            ..self.inner()
        }))
    }

    /// The same, with the hosted page of the test payment provider.
    #[must_use]
    pub fn with_test_page(self, page: Arc<dyn HostedTestPage>) -> Self {
        let test_page = Some(page);
        Self(Arc::new(Inner {
            test_page,
            ..self.inner()
        }))
    }

    /// The same, keeping at most this many bytes of ready pages; 0 draws every page anew.
    #[must_use]
    pub fn with_page_cache(self, bytes: u64) -> Self {
        let cache = Arc::new(PageCache::new(bytes));
        Self(Arc::new(Inner {
            cache,
            ..self.inner()
        }))
    }

    fn inner(&self) -> Inner {
        let Inner {
            shop,
            templates,
            data,
            test_page,
            cache,
            memo,
            ..
        } = &*self.0;
        Inner {
            shop: shop.clone(),
            templates: templates.clone(),
            data: data.clone(),
            test_page: test_page.clone(),
            cache: Arc::clone(cache),
            memo: Arc::clone(memo),
            remembered: RwLock::default(),
        }
    }

    pub(crate) fn shop(&self) -> &Shop {
        &self.0.shop
    }

    pub(crate) fn memo(&self) -> Arc<Memo> {
        Arc::clone(&self.0.memo)
    }

    pub(crate) fn templates(&self) -> &Templates {
        &self.0.templates
    }

    pub(crate) fn data(&self) -> Option<&str> {
        self.0.data.as_deref()
    }

    pub(crate) fn test_page(&self) -> Option<&Arc<dyn HostedTestPage>> {
        self.0.test_page.as_ref()
    }

    pub(crate) fn has_test_page(&self) -> bool {
        self.0.test_page.is_some()
    }

    /// The page at an address: kept ready for whoever has no session, or else drawn. `draw` does nothing where it is kept.
    pub(crate) async fn kept(
        &self,
        visit: &Visit,
        address: Option<Address>,
        draw: impl Future<Output = Result<Response, Problem>>,
    ) -> Result<Response, Problem> {
        match address {
            Some(address) if visit.visitor.session().is_none() => {
                let place = (address, &*visit.asked.headers);
                let cache = &self.0.cache;
                cache
                    .serve((self.shop(), self.templates()), place, draw)
                    .await
            }
            Some(_) | None => draw.await,
        }
    }

    /// What every page needs and what this one needs, read in one transaction.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        visit: &Visit,
        mut more: impl FnMut(&mut Tx<'_>, &Base) -> Result<T, Internal> + Send + 'static,
    ) -> Result<(Base, T), Problem> {
        let shop = self.shop();
        let (now, session) = (shop.clock.now(), visit.visitor.session().cloned());
        let memo = self.memo();
        let read = shop.db.read(move |tx| {
            let base = Base::read(tx, now, session.as_ref(), &memo)?;
            let found = more(tx, &base)?;
            Ok::<_, Internal>((base, found))
        });
        let (base, found) = read.await?;
        self.remember(&base);
        Ok((base, found))
    }

    /// The texts of the shop's locale.
    pub(crate) fn words(&self) -> Result<Say, Problem> {
        Ok(Say::new(self.templates().words(&Voice::neutral())?))
    }

    fn remember(&self, base: &Base) {
        let remembered = Remembered {
            shop: self.shop_view(base),
            nav: base.nav(None),
        };
        *self
            .0
            .remembered
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(remembered);
    }

    /// The shop as it was last read; `None` if it never was.
    pub(crate) fn remembered(&self) -> Option<Remembered> {
        self.0
            .remembered
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn shop_view(&self, base: &Base) -> ShopView {
        base.shop(&self.shop().origin, &self.shop().gateways)
    }

    /// A page to be drawn for a visitor.
    pub(crate) fn sheet<'a>(&'a self, visit: &'a Visit, base: &'a Base) -> Sheet<'a> {
        Sheet {
            storefront: self,
            visit,
            base,
            status: StatusCode::OK,
            canonical: None,
            noindex: false,
            private: false,
            current: None,
            search_query: String::new(),
            notices: Vec::new(),
            until: base.until,
        }
    }
}

impl fmt::Debug for Storefront {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storefront")
            .field("shop", &self.0.shop)
            .finish_non_exhaustive()
    }
}

/// A request as far as a page needs it: what was asked, by whom.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) asked: Asked,
    pub(crate) visitor: Visitor,
}

impl Visit {
    /// The shopper, if the visitor has a session.
    pub(crate) fn shopper(&self) -> Option<Shopper> {
        self.visitor.session().map(|session| Shopper {
            visitor: session.clone(),
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // The pipeline of crate `web` puts it there; a route outside of it has no visitors.
        let asked = parts
            .extensions
            .get::<Asked>()
            .cloned()
            .ok_or_else(|| Problem::new(Code::Internal))?;
        Ok(Self {
            asked,
            visitor: Visitor::from_request_parts(parts, state).await?,
        })
    }
}

/// A page on its way to the visitor.
pub(crate) struct Sheet<'a> {
    storefront: &'a Storefront,
    visit: &'a Visit,
    base: &'a Base,
    status: StatusCode,
    canonical: Option<String>,
    noindex: bool,
    private: bool,
    current: Option<&'a Slug>,
    search_query: String,
    notices: Vec<Notice>,
    until: Timestamp,
}

impl<'a> Sheet<'a> {
    /// Its one true address, as a path.
    pub(crate) fn canonical(self, path: &str) -> Self {
        let canonical = Some(format!("{}{path}", self.storefront.shop().origin));
        Self { canonical, ..self }
    }

    /// Kept out of search engines.
    pub(crate) fn noindex(self, noindex: bool) -> Self {
        Self { noindex, ..self }
    }

    /// The visitor's own: kept by no cache and by no search engine.
    pub(crate) fn private(self) -> Self {
        Self {
            private: true,
            noindex: true,
            ..self
        }
    }

    /// Sent with this status.
    pub(crate) fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The page of this category.
    pub(crate) fn of_category(self, slug: &'a Slug) -> Self {
        Self {
            current: Some(slug),
            ..self
        }
    }

    /// With this in the search field.
    pub(crate) fn searched(self, query: &str) -> Self {
        Self {
            search_query: query.to_owned(),
            ..self
        }
    }

    /// With this said at the top.
    pub(crate) fn notice(mut self, notice: Option<Notice>) -> Self {
        self.notices.extend(notice);
        self
    }

    /// Showing these products, as long as none of them ceases to be new.
    pub(crate) fn showing<'c>(self, cards: impl IntoIterator<Item = &'c catalog::Card>) -> Self {
        let next = views::next_not_new(cards, self.base.now);
        Self {
            until: next.map_or(self.until, |next| next.min(self.until)),
            ..self
        }
    }

    /// What the layout receives.
    pub(crate) fn frame(&self) -> Frame {
        Frame {
            shop: self.storefront.shop_view(self.base),
            page: PageView {
                path: self.visit.asked.uri.path().to_owned(),
                canonical: self.canonical.clone(),
                manifest_url: Some(MANIFEST),
                noindex: self.noindex,
                status: self.status.as_u16(),
            },
            nav: self.base.nav(self.current),
            links: self.base.links(),
            cart_count: self.base.cart_count,
            csrf: self.visit.visitor.csrf_token(),
            search_query: self.search_query.clone(),
            notices: self.notices.clone(),
        }
    }

    /// The page as HTML.
    pub(crate) fn html<P: Page>(&self, page: &P) -> Result<String, Problem> {
        Ok(self
            .storefront
            .templates()
            .render(&self.base.voice(), &self.frame(), page)?)
    }

    /// The page as an answer.
    ///
    /// Pages of the catalogue are the same for everybody without a session: such an answer has a tag and may be kept, to be
    /// asked about each time it is shown again, because prices and stock on it are those of the moment.
    pub(crate) fn draw<P: Page>(self, page: &P) -> Result<Response, Problem> {
        let html = self.html(page)?;
        if self.private {
            return Ok((self.status, Private, Html(html)).into_response());
        }
        if self.status != StatusCode::OK || self.visit.visitor.session().is_some() {
            return Ok((self.status, Html(html)).into_response());
        }
        let page = Arc::new(ReadyPage::html(html));
        let mut response = page.answer(&self.visit.asked.headers);
        let until = self.until;
        response.extensions_mut().insert(Drawn { page, until });
        Ok(response)
    }
}
