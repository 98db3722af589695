use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use futures_util::stream;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use crate::kit::{Server, soon};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Everything the server says until it closes. A reset counts as closing.
async fn rest(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4_096];
    while let Ok(count) = soon(socket.read(&mut buffer)).await {
        if count == 0 {
            break;
        }
        bytes.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One answer whose body ends with `end`.
async fn answer(socket: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4_096];
    while !text.ends_with(end) {
        let count = soon(socket.read(&mut buffer)).await.unwrap();
        assert!(count > 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
    }
    text
}

async fn say(server: &Server, bytes: &[u8]) -> String {
    let mut socket = server.connect().await;
    // The server may close while we still talk; what it said is what matters.
    let written = socket.write_all(bytes).await;
    let heard = rest(&mut socket).await;
    assert!(written.is_ok() || !heard.is_empty());
    heard
}

#[tokio::test]
async fn a_visitor_is_served_and_the_connection_kept() {
    let server = Server::start(|_| {}).await;
    let mut socket = server.connect().await;
    for _ in 0..2 {
        socket.write_all(GET).await.unwrap();
        let text = answer(&mut socket, "<p></p>").await;
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    }
    socket.write_all(&[GET, GET].concat()).await.unwrap();
    let both = answer(&mut socket, "<p></p>").await;
    let both = if both.matches("200 OK").count() == 2 {
        both
    } else {
        both + &answer(&mut socket, "<p></p>").await
    };
    assert_eq!(
        both.matches("200 OK").count(),
        2,
        "pipelined requests are answered in turn"
    );
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up() {
    let server = Server::start(|limits| limits.head_time = Duration::from_millis(300)).await;
    let mut socket = server.connect().await;
    let began = Instant::now();
    socket
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        .await
        .unwrap();
    let mut trickle = tokio::time::interval(Duration::from_millis(40));
    let mut byte = [0];
    loop {
        tokio::select! {
            // One header line at a time, as a slowloris does.
            _ = trickle.tick() => if socket.write_all(b"X-A: b\r\n").await.is_err() { break },
            read = socket.read(&mut byte) => { assert_eq!(read.unwrap_or(0), 0); break }
        }
        assert!(began.elapsed() < Duration::from_secs(5));
    }
    assert!(
        began.elapsed() >= Duration::from_millis(280),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_visitor_who_says_nothing_is_sent_away() {
    let server = Server::start(|limits| limits.head_time = Duration::from_millis(150)).await;
    let began = Instant::now();
    assert_eq!(rest(&mut server.connect().await).await, "");
    assert!(began.elapsed() >= Duration::from_millis(140));
    let mut one_byte = server.connect().await;
    one_byte.write_all(b"P").await.unwrap();
    assert_eq!(rest(&mut one_byte).await, "");
}

#[tokio::test]
async fn a_connection_at_rest_is_kept_longer_than_a_slow_head_but_not_for_ever() {
    let server = Server::start(|limits| {
        limits.head_time = Duration::from_millis(100);
        limits.keep_alive = Duration::from_millis(500);
    })
    .await;
    let mut socket = server.connect().await;
    socket.write_all(GET).await.unwrap();
    answer(&mut socket, "<p></p>").await;
    tokio::time::sleep(Duration::from_millis(250)).await;
    socket.write_all(GET).await.unwrap();
    answer(&mut socket, "<p></p>").await;
    let began = Instant::now();
    assert_eq!(rest(&mut socket).await, "");
    assert!(
        began.elapsed() >= Duration::from_millis(450),
        "{:?}",
        began.elapsed()
    );
    // After the first request too, a head must come whole.
    let mut socket = server.connect().await;
    socket.write_all(GET).await.unwrap();
    answer(&mut socket, "<p></p>").await;
    socket.write_all(b"GET / HT").await.unwrap();
    let began = Instant::now();
    assert_eq!(rest(&mut socket).await, "");
    assert!(
        began.elapsed() < Duration::from_millis(450),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_body_that_never_comes_is_given_up() {
    let server = Server::start(|limits| limits.body_idle = Duration::from_millis(200)).await;
    let head = b"POST /fields HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\nConnection: close\r\n\r\na=1";
    let text = say(&server, head).await;
    assert!(text.starts_with("HTTP/1.1 408 "), "{text}");
}

#[tokio::test]
async fn a_flood_is_refused_before_it_is_read() {
    let server = Server::start(|_| {}).await;
    let head = "POST /fields HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let declared = say(
        &server,
        format!("{head}Content-Length: 10000000000\r\n\r\n").as_bytes(),
    )
    .await;
    assert!(declared.starts_with("HTTP/1.1 413 "), "{declared}");

    let mut socket = server.connect().await;
    socket
        .write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let chunk = [b"10000\r\n".as_slice(), &vec![b'x'; 0x10000], b"\r\n"].concat();
    let mut accepted = 0;
    let (mut reader, mut writer) = socket.split();
    let mut said = Vec::new();
    let flood = async {
        while accepted < 1_000 && writer.write_all(&chunk).await.is_ok() {
            accepted += 1;
        }
    };
    let listen = async { reader.read_to_end(&mut said).await.unwrap_or(0) };
    soon(async { tokio::join!(flood, listen) }).await;
    assert!(accepted < 1_000, "64 MB were taken in");
    // The answer may be lost to the reset that ends the flood; if it arrives, it says why.
    let said = String::from_utf8_lossy(&said);
    assert!(
        said.is_empty() || said.starts_with("HTTP/1.1 413 "),
        "{said}"
    );
}

#[tokio::test]
async fn heads_are_limited_in_lines_and_bytes() {
    let server = Server::start(|_| {}).await;
    let with = |lines: usize, length: usize| {
        let extra: Vec<String> = (0..lines)
            .map(|n| format!("X-{n}: {}\r\n", "y".repeat(length)))
            .collect();
        let extra = extra.concat();
        format!("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{extra}\r\n")
    };
    assert!(
        say(&server, with(62, 10).as_bytes())
            .await
            .starts_with("HTTP/1.1 200 ")
    );
    for (lines, length) in [(63, 10), (10_000, 10), (1, 17_000), (40, 1_000)] {
        let text = say(&server, with(lines, length).as_bytes()).await;
        assert!(
            text.is_empty() || text.starts_with("HTTP/1.1 431 "),
            "{lines} lines of {length}: {text}"
        );
    }
    let long_path = format!(
        "GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "x".repeat(100_000)
    );
    let text = say(&server, long_path.as_bytes()).await;
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
}

#[tokio::test]
async fn requests_that_can_be_read_in_two_ways_are_refused_or_end_the_connection() {
    let server = Server::start(|_| {}).await;
    let refused: &[&[u8]] = &[
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST /json HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
        b"POST /json HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
        b"POST /json HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc",
        b"POST /json HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST /json HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ];
    for bytes in refused {
        let mut socket = server.connect().await;
        socket.write_all(bytes).await.unwrap();
        socket.shutdown().await.unwrap();
        let text = rest(&mut socket).await;
        assert!(
            text.is_empty() || text.starts_with("HTTP/1.1 4"),
            "{:?}: {text}",
            String::from_utf8_lossy(bytes)
        );
    }
    let both = b"POST /json HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let text = say(&server, both).await;
    assert_eq!(
        text.matches("HTTP/1.1 ").count(),
        1,
        "the second request is not answered: {text}"
    );
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_let_go() {
    let (sent, mut gone) = mpsc::channel::<()>(1);
    let endless = move || std::future::ready(endless_body(sent.clone()));
    let pages = Router::new().route("/flood", get(endless));
    let stall = Duration::from_millis(200);
    let server = Server::with_pages(pages, |limits| limits.write_stall = stall).await;
    let mut socket = server.connect().await;
    socket
        .write_all(b"GET /flood HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0; 64];
    soon(socket.read_exact(&mut first)).await.unwrap();
    assert_eq!(gone.sender_strong_count(), 2);
    // The page holds one sender until the server goes; the answer's own is dropped when the client is let go.
    soon(async {
        while gone.sender_strong_count() > 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    gone.close();
}

/// An answer without end that keeps a sender alive as long as it is being sent.
fn endless_body(held: mpsc::Sender<()>) -> Body {
    let piece = bytes::Bytes::from(vec![b'x'; 65_536]);
    Body::from_stream(stream::repeat_with(move || {
        assert!(!held.is_closed());
        Ok::<_, std::io::Error>(piece.clone())
    }))
}

#[tokio::test]
async fn one_address_cannot_take_every_connection() {
    let server = Server::start(|limits| limits.connections_per_address = 2).await;
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    for socket in [&mut first, &mut second] {
        socket.write_all(GET).await.unwrap();
        answer(socket, "<p></p>").await;
    }
    let began = Instant::now();
    assert_eq!(rest(&mut server.connect().await).await, "");
    assert!(began.elapsed() < Duration::from_secs(1), "closed at once");
    drop(first);
    soon(async { while !is_served(&server).await {} }).await;
}

async fn is_served(server: &Server) -> bool {
    let mut socket = server.connect().await;
    socket.write_all(GET).await.is_ok() && socket.read_u8().await.is_ok()
}

#[tokio::test]
async fn a_stopping_server_finishes_what_it_began() {
    let (go, wait) = oneshot::channel::<()>();
    let wait = std::sync::Arc::new(tokio::sync::Mutex::new(Some(wait)));
    let (entered, mut inside) = mpsc::channel(1);
    let pages = Router::new().route(
        "/order",
        get(move || async move {
            entered.send(()).await.unwrap();
            wait.lock().await.take().unwrap().await.unwrap();
            "ordered"
        }),
    );
    let server = Server::with_pages(pages, |_| {}).await;
    let address = server.address;
    let mut resting = server.connect().await;
    let mut ordering = server.connect().await;
    ordering
        .write_all(b"GET /order HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    inside.recv().await.unwrap();
    let stopped = server.tell_to_stop();
    assert_eq!(
        rest(&mut resting).await,
        "",
        "a connection at rest is closed"
    );
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    soon(refused).await;
    go.send(()).unwrap();
    assert!(rest(&mut ordering).await.ends_with("ordered"));
    let stopped = soon(stopped).await.unwrap();
    assert_eq!(stopped.connections_cut, 0);
}

#[tokio::test]
async fn a_stopping_server_does_not_wait_for_ever() {
    let server = Server::start(|limits| limits.shutdown_grace = Duration::from_millis(200)).await;
    let mut stuck = server.connect().await;
    stuck
        .write_all(b"GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let stopped = soon(server.tell_to_stop()).await.unwrap();
    assert_eq!(stopped.connections_cut, 1);
}

#[tokio::test]
async fn http_2_is_served_and_rested_connections_are_closed() {
    let server = Server::start(|limits| {
        limits.head_time = Duration::from_millis(200);
        limits.keep_alive = Duration::from_millis(400);
    })
    .await;
    let io = TokioIo::new(server.connect().await);
    let (mut client, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    let ended = tokio::spawn(connection);
    let began = Instant::now();
    for _ in 0..3 {
        let request = http::Request::get("http://localhost/")
            .body(Body::empty())
            .unwrap();
        let response = soon(client.send_request(request)).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.version()),
            (200, http::Version::HTTP_2)
        );
    }
    drop(soon(ended).await.unwrap());
    assert!(
        began.elapsed() >= Duration::from_millis(380),
        "{:?}",
        began.elapsed()
    );
    assert!(
        client
            .send_request(
                http::Request::get("http://localhost/")
                    .body(Body::empty())
                    .unwrap()
            )
            .await
            .is_err()
    );
}
