//! The shop itself, as its owner runs it: the release program in a process of its own, on a core of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::BenchError;
use crate::machine::{Process, on_core};

/// A start that takes longer has failed.
const PATIENCE: Duration = Duration::from_mins(5);

/// Who owns the shops that are measured.
pub(crate) const OWNER: &str = "owner@shop.example";

/// Where a shop's data is.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Its folder.
    pub(crate) data: PathBuf,
    /// The PostgreSQL database instead of the file in it.
    pub(crate) postgres: Option<String>,
}

impl Place {
    /// What to call the database.
    pub(crate) fn engine(&self) -> &'static str {
        if self.postgres.is_some() {
            "PostgreSQL"
        } else {
            "SQLite"
        }
    }

    /// A command of the program for this shop, with nothing of the environment's own options.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("VITRINE_") {
                command.env_remove(name);
            }
        }
        command.arg("--data").arg(&self.data);
        if let Some(url) = &self.postgres {
            command.arg("--database").arg(url);
        }
        command
    }
}

/// The program, or what to do to have it.
pub(crate) fn program(named: Option<PathBuf>) -> Result<PathBuf, BenchError> {
    let beside = || {
        let own = std::env::current_exe().ok()?;
        Some(own.parent()?.join("vitrine"))
    };
    let program = named.or_else(beside).unwrap_or_default();
    if program.is_file() {
        Ok(program)
    } else {
        Err(BenchError::NoProgram(program.display().to_string()))
    }
}

/// A child process that serves, and says on its first lines where. It is killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From the start of the process to the first page.
    pub(crate) start: Duration,
}

impl Server {
    /// Opens a shop. It believes what a proxy on this machine says about where its buyers come from, as it does for every
    /// owner who puts one in front: so each of the visitors of a run can have an address of their own, and the limits of
    /// one address stay what they are.
    pub(crate) fn open(program: &Path, place: &Place, core: usize) -> Result<Self, BenchError> {
        let mut command = place.command(program);
        command.args(["--trusted-proxies", "127.0.0.1", "serve"]);
        command.args(["--listen", "127.0.0.1:0"]);
        Self::spawn(command, core, "The shop is open: http://", "/readyz")
    }

    /// Starts a command and waits for the line that says where it listens.
    pub(crate) fn spawn(
        mut command: Command,
        core: usize,
        sign: &str,
        first_page: &str,
    ) -> Result<Self, BenchError> {
        let name = command.get_program().to_string_lossy().into_owned();
        let trouble = |error| BenchError::File(name.clone(), error);
        let began = Instant::now();
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = on_core(core, || command.spawn().map_err(trouble))?;
        let found = child
            .stdout
            .take()
            .and_then(|out| address_in(out, sign))
            .ok_or_else(|| BenchError::Unexpected(format!("{name} did not say where it listens")));
        let address = match found {
            Ok(address) => address,
            Err(error) => {
                drop(child.kill());
                drop(child.wait());
                return Err(error);
            }
        };
        let mut server = Self {
            child,
            address,
            start: Duration::ZERO,
        };
        server.wait_for(first_page, began)?;
        server.start = began.elapsed();
        Ok(server)
    }

    fn wait_for(&self, page: &str, began: Instant) -> Result<(), BenchError> {
        while began.elapsed() < PATIENCE {
            if crate::fetch(self.address, page).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err(BenchError::Unexpected(format!(
            "the server does not answer {page}"
        )))
    }

    /// The process, to be watched.
    pub(crate) fn process(&self) -> Process {
        Process::of(&self.child)
    }

    /// Stops it in order, and waits until it is gone.
    pub(crate) fn close(mut self) -> Result<(), BenchError> {
        self.process().ask_to_stop()?;
        let ended = self
            .child
            .wait()
            .map_err(|error| BenchError::File("the server".to_owned(), error))?;
        if ended.success() {
            Ok(())
        } else {
            Err(BenchError::Unexpected(format!(
                "the server ended with {ended}"
            )))
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `close` there is nothing to kill any more.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Reads on until there is an address, and goes on reading in a thread, so that the process never waits for us.
fn address_in(out: std::process::ChildStdout, sign: &str) -> Option<SocketAddr> {
    let mut lines = BufReader::new(out).lines();
    let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, address) = line.split_once(sign)?;
        address.trim().trim_end_matches('/').parse().ok()
    })?;
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    Some(address)
}

/// Gives the shop an owner with a password that nobody will guess.
pub(crate) fn hire_owner(program: &Path, place: &Place) -> Result<(), BenchError> {
    let trouble = |error| BenchError::File(program.display().to_string(), error);
    let mut hiring = place
        .command(program)
        .args([
            "admin",
            "create",
            "--email",
            OWNER,
            "--name",
            "Ines Vermeer",
        ])
        .arg("--password-stdin")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(trouble)?;
    if let Some(mut password) = hiring.stdin.take() {
        password
            .write_all(b"nine quiet herons by the mill\n")
            .map_err(trouble)?;
    }
    let said = hiring.wait_with_output().map_err(trouble)?;
    let words = String::from_utf8_lossy(&said.stderr).trim().to_owned();
    // A shop of several runs has its owner from the first of them.
    if said.status.success() || words.contains(OWNER) {
        Ok(())
    } else {
        Err(BenchError::Unexpected(format!(
            "nobody owns the shop: {words}"
        )))
    }
}

/// Has the program recompute every invariant; an error with its words if one does not hold.
pub(crate) fn verify(program: &Path, place: &Place) -> Result<(), BenchError> {
    let said = place
        .command(program)
        .arg("verify")
        .output()
        .map_err(|error| BenchError::File(program.display().to_string(), error))?;
    if said.status.success() {
        return Ok(());
    }
    let words = [said.stdout, said.stderr].concat();
    Err(BenchError::Unexpected(format!(
        "the books do not balance after the run: {}",
        String::from_utf8_lossy(&words).trim()
    )))
}
