//! Error pages in the shop's own frame.

use commerce::Internal;
use futures_util::future::BoxFuture;
use http::StatusCode;
use templates::Voice;
use web::{Asked, ErrorPage, ErrorPages, Place};

use crate::frame::{Base, Frame, PageView, ShopView};
use crate::storefront::{MANIFEST, Remembered, Storefront};
use crate::views::Link;

/// How many places to go an error page offers.
const PLACES: usize = 4;

impl ErrorPages for Storefront {
    fn draw<'a>(&'a self, asked: &'a Asked, page: &'a ErrorPage) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move {
            // These may be drawn because the database fails, or because there are too many requests already.
            let leave_it_alone =
                page.error.status >= 500 || page.error.status == StatusCode::TOO_MANY_REQUESTS;
            let base = if leave_it_alone {
                None
            } else {
                self.read_base(asked).await
            };
            self.draw_error(asked, page.clone(), base.as_ref())
        })
    }
}

impl Storefront {
    async fn read_base(&self, asked: &Asked) -> Option<Base> {
        let (now, session) = (self.shop().clock.now(), asked.session.clone());
        let memo = self.memo();
        let read = self
            .shop()
            .db
            .read(move |tx| Base::read(tx, now, session.as_ref(), &memo));
        read.await
            .inspect_err(|error: &Internal| {
                tracing::warn!("An error page does without the shop: {error}");
            })
            .ok()
    }

    fn draw_error(
        &self,
        asked: &Asked,
        mut page: ErrorPage,
        base: Option<&Base>,
    ) -> Option<String> {
        let shop = self.shop();
        let known = match base {
            Some(base) => Some(Remembered {
                shop: base.shop(&shop.origin, &shop.gateways),
                nav: base.nav(None),
            }),
            None => self.remembered(),
        };
        let voice = base.map_or_else(Voice::neutral, Base::voice);
        let Remembered { shop, nav } = known.unwrap_or_else(|| Remembered {
            shop: ShopView::unknown(&shop.origin),
            nav: Vec::new(),
        });
        if asked.uri.path().starts_with("/orders/") {
            // What was typed is no word to look for, but somebody's secret.
            page.error.search = None;
        }
        if page.error.links.is_empty() {
            page.error.links = places(base.map(|base| base.places(PLACES)).unwrap_or_default());
        }
        let frame = Frame {
            shop,
            page: PageView {
                path: asked.uri.path().to_owned(),
                canonical: None,
                manifest_url: Some(MANIFEST),
                noindex: true,
                status: page.error.status,
            },
            nav,
            links: base.map(Base::links).unwrap_or_default(),
            cart_count: base.map_or(0, |base| base.cart_count),
            // No form of an error page changes anything.
            csrf: String::new(),
            search_query: String::new(),
            notices: Vec::new(),
        };
        let drawn = self.templates().render(&voice, &frame, &page);
        drawn
            .inspect_err(|error| tracing::error!("The error page cannot be drawn: {error}"))
            .ok()
    }
}

/// Links as an error page has them.
pub(crate) fn places(links: Vec<Link>) -> Vec<Place> {
    links
        .into_iter()
        .map(|link| Place {
            name: link.name,
            url: link.url,
        })
        .collect()
}
