//! A socket that does not wait for ever.
//!
//! While no request is worked on, the client must either be at rest (at most `keep_alive`) or send a whole head within
//! `head_time`. While an answer is written, the client must take some of it every `write_stall`. Bodies are watched where
//! they are read (crate-private module `body`).

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use crate::limits::Limits;

/// What a connection is doing, seen from its requests.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    in_flight: AtomicUsize,
    begun: AtomicUsize,
    last_end: Mutex<Option<Instant>>,
}

/// A request from its head to the last byte of its answer's body.
#[derive(Debug)]
pub(super) struct Busy(Arc<Traffic>);

impl Traffic {
    pub(super) fn begin(this: &Arc<Self>) -> Busy {
        this.in_flight.fetch_add(1, Ordering::SeqCst);
        this.begun.fetch_add(1, Ordering::SeqCst);
        Busy(Arc::clone(this))
    }

    fn last_end(&self) -> Option<Instant> {
        *self.last_end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        *self
            .0
            .last_end
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An answer's body that keeps its request counted until it is sent.
pub(super) struct Held {
    body: Body,
    busy: Option<Busy>,
}

impl Held {
    pub(super) fn new(body: Body, busy: Busy) -> Self {
        Self {
            body,
            busy: Some(busy),
        }
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None)) {
            self.busy = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Which protocol the first bytes belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// So many bytes of the HTTP/2 preface have been seen, and nothing else.
    Unknown(usize),
    Http1,
    Http2,
}

/// The beginning of the HTTP/2 preface that no HTTP/1 request has.
const PREFACE: &[u8] = b"PRI";

impl Protocol {
    fn after(self, bytes: &[u8]) -> Self {
        let Self::Unknown(mut seen) = self else {
            return self;
        };
        for byte in bytes {
            if PREFACE.get(seen) != Some(byte) {
                return Self::Http1;
            }
            seen += 1;
            if seen == PREFACE.len() {
                return Self::Http2;
            }
        }
        Self::Unknown(seen)
    }
}

/// A socket with timers.
pub(super) struct Guarded {
    socket: TcpStream,
    traffic: Arc<Traffic>,
    head_time: Duration,
    keep_alive: Duration,
    write_stall: Duration,
    protocol: Protocol,
    opened: Instant,
    /// How many requests had begun when a byte was last read.
    seen: usize,
    /// When the first byte of a head that is not whole yet was read.
    head_since: Option<Instant>,
    last_write: Option<Instant>,
    stalled_since: Option<Instant>,
    read_timer: Pin<Box<Sleep>>,
    write_timer: Pin<Box<Sleep>>,
}

impl Guarded {
    pub(super) fn new(socket: TcpStream, traffic: Arc<Traffic>, limits: &Limits) -> Self {
        Self {
            socket,
            traffic,
            head_time: limits.head_time,
            keep_alive: limits.keep_alive,
            write_stall: limits.write_stall,
            protocol: Protocol::Unknown(0),
            opened: Instant::now(),
            seen: 0,
            head_since: None,
            last_write: None,
            stalled_since: None,
            read_timer: Box::pin(tokio::time::sleep(limits.head_time)),
            write_timer: Box::pin(tokio::time::sleep(limits.write_stall)),
        }
    }

    /// Forgets the head of a request that has begun since.
    fn catch_up(&mut self) {
        let begun = self.traffic.begun.load(Ordering::SeqCst);
        if begun != self.seen {
            self.seen = begun;
            self.head_since = None;
        }
    }

    /// Until when the client may send nothing more; `None` while a request is worked on.
    fn read_deadline(&mut self) -> Option<Instant> {
        self.catch_up();
        if self.traffic.in_flight.load(Ordering::SeqCst) > 0 {
            return None;
        }
        if self.seen == 0 {
            return Some(self.opened + self.head_time);
        }
        // On HTTP/2 bytes between requests are pings and the like: they neither begin a head nor count as use.
        let rest_since = match self.protocol {
            Protocol::Http2 => self.traffic.last_end(),
            Protocol::Http1 | Protocol::Unknown(_) => {
                if let Some(since) = self.head_since {
                    return Some(since + self.head_time);
                }
                self.traffic.last_end().max(self.last_write)
            }
        };
        Some(rest_since.unwrap_or(self.opened) + self.keep_alive)
    }

    fn wrote(
        &mut self,
        polled: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if polled.is_ready() {
            self.stalled_since = None;
            self.last_write = Some(Instant::now());
            return polled;
        }
        let since = *self.stalled_since.get_or_insert_with(Instant::now);
        match timed(&mut self.write_timer, since + self.write_stall, cx) {
            Poll::Ready(error) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Waits for a deadline; then it is an error.
fn timed(timer: &mut Pin<Box<Sleep>>, deadline: Instant, cx: &mut Context<'_>) -> Poll<io::Error> {
    if timer.deadline() != deadline {
        timer.as_mut().reset(deadline);
    }
    timer
        .as_mut()
        .poll(cx)
        .map(|()| io::ErrorKind::TimedOut.into())
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.socket).poll_read(cx, buf);
        if polled.is_ready() {
            let bytes = buf.filled().get(before..).unwrap_or_default();
            this.protocol = this.protocol.after(bytes);
            this.catch_up();
            if !bytes.is_empty() && this.traffic.in_flight.load(Ordering::SeqCst) == 0 {
                this.head_since.get_or_insert_with(Instant::now);
            }
            return polled;
        }
        match this.read_deadline() {
            Some(deadline) => timed(&mut this.read_timer, deadline, cx).map(Err),
            None => Poll::Pending,
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.socket).poll_write(cx, buf);
        this.wrote(polled, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.socket).poll_write_vectored(cx, bufs);
        this.wrote(polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_is_told_by_its_first_bytes() {
        let start = Protocol::Unknown(0);
        assert_eq!(start.after(b"GET / HTTP/1.1"), Protocol::Http1);
        assert_eq!(start.after(b"PRI * HTTP/2.0"), Protocol::Http2);
        assert_eq!(start.after(b"P").after(b"OST /"), Protocol::Http1);
        assert_eq!(start.after(b"P").after(b"R").after(b"I *"), Protocol::Http2);
        assert_eq!(Protocol::Http1.after(b"PRI"), Protocol::Http1);
    }
}
