//! The limit: a server that does nothing but answer with the very bytes the shop answered with.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::server::Server;
use crate::{BenchError, say};

/// What the bare server says when it listens.
const SIGN: &str = "bare server: http://";

/// Starts it as a process of its own on a core, to answer with the bytes in this file.
pub(crate) fn start(answer: &Path, core: usize) -> Result<Server, BenchError> {
    let own = std::env::current_exe()
        .map_err(|error| BenchError::File("this program".to_owned(), error))?;
    let mut command = Command::new(own);
    command.arg("bare").arg(answer);
    Server::spawn(command, core, SIGN, "/")
}

/// Answers every request with the bytes in this file, head and body, until it is killed.
pub(crate) async fn serve(answer: &Path) -> Result<(), BenchError> {
    let bytes = std::fs::read(answer)
        .map_err(|error| BenchError::File(answer.display().to_string(), error))?;
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .map_err(trouble)?;
    let address = listener.local_addr().map_err(trouble)?;
    say(&format!("{SIGN}{address}\n"))?;
    repeat(listener, &bytes).await
}

/// Answers everybody with these bytes.
pub(crate) async fn repeat(listener: TcpListener, answer: &[u8]) -> Result<(), BenchError> {
    let answer = parse(answer)
        .map(Arc::new)
        .ok_or_else(|| BenchError::Unexpected("these bytes are no answer".to_owned()))?;
    loop {
        let (stream, _) = listener.accept().await.map_err(trouble)?;
        stream.set_nodelay(true).map_err(trouble)?;
        let answer = Arc::clone(&answer);
        tokio::spawn(async move {
            let service = service_fn(move |_| {
                let (headers, body) = &*answer;
                let mut response = Response::new(Full::new(body.clone()));
                response.headers_mut().clone_from(headers);
                std::future::ready(Ok::<_, Infallible>(response))
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service);
            // A client that leaves early is none of our business.
            drop(connection.await);
        });
    }
}

fn trouble(error: std::io::Error) -> BenchError {
    BenchError::File("the bare server".to_owned(), error)
}

/// The headers, but for those that every server writes itself, and the body.
fn parse(answer: &[u8]) -> Option<(HeaderMap, Bytes)> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = parsed.parse(answer).ok()? else {
        return None;
    };
    let mut map = HeaderMap::new();
    for header in parsed.headers.iter() {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        if ![CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING].contains(&name) {
            map.append(name, HeaderValue::from_bytes(header.value).ok()?);
        }
    }
    Some((map, Bytes::copy_from_slice(answer.get(head..)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_repeated_with_the_headers_that_are_its_own() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\ndate: x\r\nvary: a\r\nvary: b\r\n\r\nhi";
        let (headers, body) = parse(answer).unwrap();
        assert_eq!(&body[..], b"hi");
        assert_eq!(headers.len(), 3);
        assert_eq!(headers.get_all("vary").iter().count(), 2);
        assert!(parse(b"nothing").is_none());
    }
}
