//! The back office as a value, and the way from a request to a page.

use std::fmt;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use commerce::{Internal, Shop};
use db::Tx;
use http::StatusCode;
use templates::{Page, Say, Templates, Voice};
use web::{Html, Private, Problem};

use crate::desk::{Staffer, Visit};
use crate::frame::{Base, Frame, Section};

/// Everything the handlers of the back office reach. Cheap to clone.
#[derive(Clone)]
pub struct Admin(Arc<Inner>);

struct Inner {
    shop: Shop,
    templates: Templates,
    mails: Templates,
}

impl Admin {
    /// The back office of a shop. `templates` are those of [`Templates::back_office`]; `mails`, the shop's own, are what
    /// mails to staff are written with.
    pub fn new(shop: Shop, templates: Templates, mails: Templates) -> Self {
        Self(Arc::new(Inner {
            shop,
            templates,
            mails,
        }))
    }

    pub(crate) fn shop(&self) -> &Shop {
        &self.0.shop
    }

    pub(crate) fn templates(&self) -> &Templates {
        &self.0.templates
    }

    /// The shop's own templates, for mails.
    pub(crate) fn mails(&self) -> &Templates {
        &self.0.mails
    }

    /// The texts of the back office.
    pub(crate) fn words(&self) -> Result<Say, Problem> {
        Ok(Say::new(self.templates().words(&Voice::neutral())?))
    }

    /// What every page needs and what this one needs, read in one transaction.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        staff: &Staffer,
        more: impl FnMut(&mut Tx<'_>, &Base) -> Result<T, Internal> + Send + 'static,
    ) -> Result<(Base, T), Problem> {
        self.read_for(Some(staff), more).await
    }

    /// The same for a page at the door, which knows nobody yet.
    pub(crate) async fn read_at_the_door<T: Send + 'static>(
        &self,
        more: impl FnMut(&mut Tx<'_>, &Base) -> Result<T, Internal> + Send + 'static,
    ) -> Result<(Base, T), Problem> {
        self.read_for(None, more).await
    }

    async fn read_for<T: Send + 'static>(
        &self,
        staff: Option<&Staffer>,
        mut more: impl FnMut(&mut Tx<'_>, &Base) -> Result<T, Internal> + Send + 'static,
    ) -> Result<(Base, T), Problem> {
        let now = self.shop().clock.now();
        let role = staff.map(|staff| staff.who.member().role);
        let read = self.shop().db.read(move |tx| {
            let base = Base::read(tx, now, role)?;
            let found = more(tx, &base)?;
            Ok::<_, Internal>((base, found))
        });
        Ok(read.await?)
    }

    /// A page to be drawn for a member of staff.
    pub(crate) fn sheet<'a>(&'a self, staff: &'a Staffer, base: &'a Base) -> Sheet<'a> {
        Sheet {
            staff: Some(staff),
            ..self.door(&staff.visit, base)
        }
    }

    /// A page to be drawn for somebody who is not signed in.
    pub(crate) fn door<'a>(&'a self, visit: &'a Visit, base: &'a Base) -> Sheet<'a> {
        Sheet {
            admin: self,
            visit,
            staff: None,
            base,
            section: Section::None,
            status: StatusCode::OK,
            search_query: String::new(),
        }
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin")
            .field("shop", &self.0.shop)
            .finish_non_exhaustive()
    }
}

/// A page on its way to a member of staff.
pub(crate) struct Sheet<'a> {
    admin: &'a Admin,
    visit: &'a Visit,
    staff: Option<&'a Staffer>,
    base: &'a Base,
    section: Section,
    status: StatusCode,
    search_query: String,
}

impl Sheet<'_> {
    /// Of this part of the back office.
    pub(crate) fn section(self, section: Section) -> Self {
        Self { section, ..self }
    }

    /// Sent with this status.
    pub(crate) fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// With this in the search field of the frame.
    pub(crate) fn searched(self, query: &str) -> Self {
        Self {
            search_query: query.to_owned(),
            ..self
        }
    }

    fn frame(&self) -> Result<Frame, Problem> {
        let say = self.admin.words()?;
        Ok(Frame::of(
            self.base,
            self.staff,
            self.visit,
            (self.section, self.status, &self.search_query),
            (&say, self.admin.shop()),
        ))
    }

    /// The page as HTML.
    pub(crate) fn html<P: Page>(&self, page: &P) -> Result<String, Problem> {
        let voice = self.base.voice();
        Ok(self
            .admin
            .templates()
            .render(&voice, &self.frame()?, page)?)
    }

    /// The page as an answer that no cache keeps.
    pub(crate) fn draw<P: Page>(self, page: &P) -> Result<Response, Problem> {
        let html = self.html(page)?;
        Ok((self.status, Private, Html(html)).into_response())
    }
}
