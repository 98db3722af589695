//! Error pages of the back office. They ask nobody anything: they may be drawn because the database fails.

use futures_util::future::BoxFuture;
use templates::Voice;
use web::{Asked, ErrorPage, ErrorPages};

use crate::admin::Admin;
use crate::frame::Frame;

impl ErrorPages for Admin {
    fn draw<'a>(&'a self, asked: &'a Asked, page: &'a ErrorPage) -> BoxFuture<'a, Option<String>> {
        let frame = Frame::bare(&self.shop().origin, asked.uri.path(), page.error.status);
        let drawn = self.templates().render(&Voice::neutral(), &frame, page);
        let drawn = drawn
            .inspect_err(|error| tracing::error!("The error page cannot be drawn: {error}"))
            .ok();
        Box::pin(async move { drawn })
    }
}
