//! The real binary, as a process.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// How long a process may take to say or do something. Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// The binary, told nothing yet.
fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vitrine"));
    // What the machine's owner has set for a shop of their own is not for these.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("VITRINE_")) {
        command.env_remove(name);
    }
    command
}

/// Runs a command of the binary to its end.
pub(super) fn run(arguments: &[&dyn AsRef<OsStr>]) -> Output {
    let mut command = binary();
    command.args(arguments.iter().map(AsRef::as_ref));
    command.output().expect("the binary runs")
}

/// Runs a command of the binary on a data folder to its end.
pub(super) fn run_in(data: &Path, words: &[&str]) -> Output {
    let mut command = binary();
    command.args(words).arg("--data").arg(data);
    command.output().expect("the binary runs")
}

/// Runs a command of the binary on a data folder to its end, with something to read.
pub(super) fn run_reading(data: &Path, words: &[&str], input: &str) -> Output {
    let mut command = binary();
    command.args(words).arg("--data").arg(data);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    let mut stdin = child.stdin.take().expect("its input is ours");
    // It may have ended without reading.
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

/// What a process said, both ways.
pub(super) fn words(output: &Output) -> String {
    let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    said.concat()
}

/// A shop that is about to open.
pub(super) struct Starting(Child);

impl Starting {
    /// Begins to serve from a folder, and waits for nothing.
    pub(super) fn begin(data: &Path, options: &[&str]) -> Self {
        let mut command = binary();
        command
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--log",
                "error",
                "--data",
            ])
            .arg(data)
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(command.spawn().expect("the binary starts"))
    }

    /// Kills it with SIGKILL, and waits until it is dead.
    pub(super) fn kill(mut self) {
        self.0.kill().expect("it can be killed");
        self.0.wait().expect("it ends");
    }
}

/// A shop that is served.
pub(super) struct Server {
    child: Child,
    lines: Receiver<String>,
    /// Where it listens.
    pub(super) address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    /// Serves from a folder, with more options. Visitors tell their address, as behind a proxy: the shop counts by it.
    pub(super) fn start(data: &Path, options: &[&str]) -> Self {
        let mut command = binary();
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(["--trusted-proxies", "127.0.0.1", "--log", "error"])
            .arg("--data")
            .arg(data)
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let output = BufReader::new(child.stdout.take().expect("its output is ours"));
        let (sender, lines) = std::sync::mpsc::channel();
        // Read to the end, listened to or not: a full pipe would block it.
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                drop(sender.send(line));
            }
        });
        let mut server = Self {
            child,
            lines,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let address = server.says("The shop is open: http://");
        server.address = address.parse().expect("it says its address");
        server
    }

    /// Its number among the processes.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line with `sign`; answers with what follows it.
    pub(super) fn says(&self, sign: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("the shop never said {sign:?}"));
            if let Some((_, rest)) = line.split_once(sign) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Everything it says up to a line with `sign`.
    pub(super) fn hears_until(&self, sign: &str) -> String {
        let mut heard = String::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("the shop never said {sign:?}: {heard}"));
            heard.push_str(&line);
            heard.push('\n');
            if line.contains(sign) {
                return heard;
            }
        }
    }

    /// Kills it with SIGKILL, and waits until it is dead.
    pub(super) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Asks it to close, as service managers do, and waits until it has.
    pub(super) fn stop(mut self) -> ExitStatus {
        let polite = format!("kill -TERM {}", self.child.id());
        let asked = Command::new("sh").args(["-c", &polite]).status();
        assert!(asked.expect("a shell runs").success());
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not close");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
