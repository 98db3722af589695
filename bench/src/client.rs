//! One connection of a browser, with as little work of our own as can be: the load must not be what is measured.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// After this long a visitor has left.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const HEADERS: usize = 64;
/// An answer's head is not longer.
const HEAD: usize = 64 * 1024;

/// A connection that is opened when it is needed.
#[derive(Debug)]
pub(crate) struct Connection {
    server: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// What came back; head and body are still in the connection's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    /// Bytes of the head.
    head: usize,
    /// Bytes of head and body.
    whole: usize,
    /// Whether the server closes the connection.
    closes: bool,
}

impl Connection {
    pub(crate) fn to(server: SocketAddr) -> Self {
        Self {
            server,
            stream: None,
            buffer: Vec::with_capacity(128 * 1024),
        }
    }

    /// Opens it if it is not open.
    pub(crate) async fn open(&mut self) -> io::Result<()> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.server).await?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        Ok(())
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> io::Result<Seen> {
        let answered = tokio::time::timeout(PATIENCE, self.exchange(request)).await;
        let answered =
            answered.unwrap_or_else(|_elapsed| Err(io::Error::from(ErrorKind::TimedOut)));
        if !matches!(answered, Ok(seen) if !seen.closes) {
            self.stream = None;
        }
        answered
    }

    async fn exchange(&mut self, request: &[u8]) -> io::Result<Seen> {
        self.open().await?;
        let Self { stream, buffer, .. } = self;
        let stream = stream
            .as_mut()
            .ok_or_else(|| io::Error::from(ErrorKind::NotConnected))?;
        stream.write_all(request).await?;
        buffer.clear();
        let seen = loop {
            more(stream, buffer).await?;
            if let Some(seen) = read_head(buffer)? {
                break seen;
            }
            if buffer.len() > HEAD {
                return Err(strange("a head without end"));
            }
        };
        while buffer.len() < seen.whole {
            more(stream, buffer).await?;
        }
        Ok(seen)
    }

    /// The body of the last answer.
    pub(crate) fn body(&self, seen: Seen) -> &[u8] {
        self.buffer.get(seen.head..seen.whole).unwrap_or_default()
    }

    /// The head of the last answer, as it came.
    pub(crate) fn head(&self, seen: Seen) -> &[u8] {
        self.buffer.get(..seen.head).unwrap_or_default()
    }

    /// The values of a header of the last answer.
    pub(crate) fn header(&self, seen: Seen, name: &str) -> Vec<String> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut answer = httparse::Response::new(&mut headers);
        let Ok(_) = answer.parse(self.head(seen)) else {
            return Vec::new();
        };
        let named = answer
            .headers
            .iter()
            .filter(|header| header.name.eq_ignore_ascii_case(name));
        named
            .map(|header| String::from_utf8_lossy(header.value).into_owned())
            .collect()
    }
}

/// Reads what is there; an end is too early.
async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    if stream.read_buf(buffer).await? == 0 {
        return Err(io::Error::from(ErrorKind::UnexpectedEof));
    }
    Ok(())
}

/// Reads the head of an answer to a GET or POST, if all of it is there.
fn read_head(buffer: &[u8]) -> io::Result<Option<Seen>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    let parsed = answer
        .parse(buffer)
        .map_err(|error| strange(&error.to_string()))?;
    let httparse::Status::Complete(head) = parsed else {
        return Ok(None);
    };
    let status = answer.code.unwrap_or(0);
    let (mut length, mut closes) = (None, false);
    for header in answer.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let text = std::str::from_utf8(header.value).unwrap_or_default();
            length = text.trim().parse::<usize>().ok();
        } else if header.name.eq_ignore_ascii_case("connection") {
            closes = header.value.eq_ignore_ascii_case(b"close");
        }
    }
    let body = match (status, length) {
        (204 | 304, _) => 0,
        (_, Some(length)) => length,
        (_, None) => return Err(strange("an answer that does not say how long it is")),
    };
    let whole = head.saturating_add(body);
    Ok(Some(Seen {
        status,
        head,
        whole,
        closes,
    }))
}

fn strange(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

/// A GET as browsers send it.
pub(crate) fn get(server: SocketAddr, path: &str, more: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nhost: {server}\r\naccept: text/html\r\naccept-encoding: gzip, deflate, br\r\n\
         accept-language: en\r\nuser-agent: vitrine-bench\r\n{more}\r\n"
    )
    .into_bytes()
}

/// A form as browsers send it from a page of the shop.
pub(crate) fn post(server: SocketAddr, path: &str, more: &str, form: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: {server}\r\naccept: text/html\r\naccept-encoding: gzip, deflate, br\r\n\
         accept-language: en\r\nuser-agent: vitrine-bench\r\norigin: http://{server}\r\nsec-fetch-site: same-origin\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n{more}\r\n{form}",
        form.len()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_all_of_it_is_there() {
        let whole = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc";
        assert_eq!(read_head(&whole[..30]).unwrap(), None);
        let seen = read_head(whole).unwrap().unwrap();
        assert_eq!(
            (seen.status, seen.whole, seen.closes),
            (200, whole.len(), false)
        );
    }

    #[test]
    fn an_answer_that_hides_its_length_is_no_answer() {
        read_head(b"HTTP/1.1 200 OK\r\n\r\n").unwrap_err();
        let unchanged = read_head(b"HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n");
        let unchanged = unchanged.unwrap().unwrap();
        assert!(unchanged.closes && unchanged.whole == unchanged.head);
    }
}
