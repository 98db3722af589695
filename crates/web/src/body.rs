//! Request bodies: capped in size, and not allowed to pause.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use kernel::Code;
use tokio::time::{Instant, Sleep};

use crate::asked::Asked;
use crate::limits::Limits;
use crate::problem::Problem;

/// Why a body was not read to its end.
#[derive(Debug, thiserror::Error)]
enum BodyError {
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the body paused too long")]
    Stalled,
    #[error("the body broke off")]
    Broken(#[source] axum::Error),
}

/// Reads a body whole. It has been capped before.
pub(crate) async fn read(body: Body) -> Result<Bytes, Problem> {
    body.collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .map_err(|error| problem_of(&error))
}

/// The limit that was met, wherever in the chain it stands.
pub(crate) fn problem_of(error: &(dyn std::error::Error + 'static)) -> Problem {
    let mut source = Some(error);
    while let Some(error) = source {
        match error.downcast_ref::<BodyError>() {
            Some(BodyError::TooLarge(most)) => {
                return Problem::with_detail(Code::TooLarge, format!("send at most {most} bytes"));
            }
            Some(BodyError::Stalled) => return Problem::new(Code::Timeout),
            Some(BodyError::Broken(_)) | None => source = error.source(),
        }
    }
    Problem::with_detail(Code::BadRequest, "the body broke off")
}

/// Puts the limits on a body; refuses at once what says itself that it is too large.
pub(crate) fn limited(asked: &Asked, body: Body, limits: &Limits) -> Result<Body, Problem> {
    let content_type = asked.header("content-type").unwrap_or_default();
    let most = if content_type.contains("json") {
        limits.json_bytes
    } else {
        limits.form_bytes_at(asked)
    };
    if body.size_hint().lower() > u64::try_from(most).unwrap_or(u64::MAX) {
        return Err(Problem::with_detail(
            Code::TooLarge,
            format!("send at most {most} bytes"),
        ));
    }
    if body.is_end_stream() {
        return Ok(Body::empty());
    }
    let pause = Box::pin(tokio::time::sleep(limits.body_idle));
    Ok(Body::new(Limited {
        body,
        most,
        left: most,
        idle: limits.body_idle,
        pause,
    }))
}

struct Limited {
    body: Body,
    most: usize,
    left: usize,
    idle: Duration,
    pause: Pin<Box<Sleep>>,
}

impl HttpBody for Limited {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.pause.as_mut().reset(Instant::now() + this.idle);
                let length = frame.data_ref().map_or(0, Bytes::len);
                Poll::Ready(Some(match this.left.checked_sub(length) {
                    Some(left) => {
                        this.left = left;
                        Ok(frame)
                    }
                    None => Err(axum::Error::new(BodyError::TooLarge(this.most))),
                }))
            }
            Poll::Ready(Some(Err(error))) => {
                Poll::Ready(Some(Err(axum::Error::new(BodyError::Broken(error)))))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match this.pause.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(Some(Err(axum::Error::new(BodyError::Stalled)))),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
