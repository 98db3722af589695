//! Ten thousand visitors who do nothing, and a thousand who do it slowly, while others buy.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use commerce::testing::euros;
use kernel::VariantId;

use super::server::{Server, run_in, words};
use super::visitor::{Bought, Door, Visitor};
use super::{apart, database_in, folder, set_up};

const RESTING: usize = 9_500;
const SLOW: usize = 1_000;

/// Lets this process, and those it starts, have so many files; `false`, with a visible line, where it may not.
fn may_open(files: usize) -> bool {
    let me = std::process::id().to_string();
    let limit = format!("--nofile={files}:{files}");
    let raised = Command::new("prlimit")
        .args(["--pid", &me, &limit])
        .status();
    let may = raised.is_ok_and(|status| status.success());
    if !may {
        println!("skipped: this machine does not let a process open {files} files");
    }
    may
}

/// Somebody who asks for one thing, gets it, and stays.
fn rests(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("the shop takes it");
    let ask = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(ask).expect("it listens");
    let mut answer = [0; 64];
    let count = stream.read(&mut answer).expect("it answers");
    assert!(answer[..count].starts_with(b"HTTP/1.1 200 "));
    stream
}

/// Somebody who begins to ask.
fn begins(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("the shop takes it");
    let begun = b"POST /cart/lines HTTP/1.1\r\nhost: localhost\r\nx-a: ";
    stream.write_all(begun).expect("it listens");
    stream.set_nonblocking(true).expect("it can be");
    stream
}

/// Whether the other side has gone.
fn has_gone(stream: &mut TcpStream) -> bool {
    let mut byte = [0];
    match stream.read(&mut byte) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

/// Memory of a process that is in use, in megabytes.
fn megabytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let words = line.and_then(|line| line.split_whitespace().nth(1));
    words
        .and_then(|word| word.parse::<u64>().ok())
        .expect("a number")
        / 1_024
}

fn buy(number: u32, door: &Door, vase: &VariantId) -> bool {
    let mut visitor = Visitor::new(number, &[door]);
    let ready = visitor.takes(vase, 1) && visitor.fills_in().is_some();
    ready && matches!(visitor.pays(), Bought::Order { .. })
}

fn a_crowd(server: &Server, vase: &VariantId) {
    let door = Door::at(server.address);
    assert!(buy(0, &door, vase));
    let resting: Vec<TcpStream> = (0..RESTING).map(|_| rests(server.address)).collect();
    let mut slow: Vec<TcpStream> = (0..SLOW).map(|_| begins(server.address)).collect();
    let since = Instant::now();
    let began = Instant::now();
    for number in 1..=20 {
        assert!(buy(number, &door, vase), "{number}");
        // One byte more of each head now and then, as a slowloris does; many are gone by and by.
        for stream in &mut slow {
            drop(stream.write_all(b"b"));
        }
    }
    let bought = began.elapsed();
    assert!(
        bought < Duration::from_secs(40),
        "twenty purchases took {bought:?}"
    );
    let used = megabytes(server.id());
    assert!(used < 400, "{used} MB with {RESTING} visitors at rest");
    // Whoever has not said what they want within ten seconds is sent away; whoever rests may go on resting.
    while !slow.iter_mut().all(has_gone) {
        assert!(
            since.elapsed() < Duration::from_secs(40),
            "they are still there"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    let mut last = rests(server.address);
    last.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .expect("it listens");
    assert!(buy(30, &door, vase));
    drop(resting);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_visitors_at_rest_and_a_thousand_slow_ones_keep_nobody_from_buying() {
    if !may_open(20_000) {
        return;
    }
    let folder = folder();
    let (_, location) = database_in(&folder);
    let test = set_up(&location).await;
    let vase = test.product("Storm vase", euros(2_500), 100).await;
    test.shop.db.close().await;
    let path = folder.path().to_owned();
    let server = apart(move || {
        let server = Server::start(&path, &[]);
        a_crowd(&server, &vase);
        server
    })
    .await;
    assert!(server.stop().success());
    let verdict = run_in(folder.path(), &["verify"]);
    assert!(verdict.status.success(), "{}", words(&verdict));
}
