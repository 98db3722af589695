//! A throw-away PostgreSQL server for tests, shared by all test processes of one build folder.
//!
//! The first test starts it under a file lock, the others find it. A small watchdog stops it, and deletes it, when nobody
//! has been connected for ten minutes. It does not sync, and orders text the English way by default, so that a query
//! which relies on the server's order of text fails here.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use data_encoding::HEXLOWER;
use kernel::id::{Ids, RandomIds};
use sha2::{Digest, Sha256};

use crate::Options;
use crate::postgres::Target;

/// The URL of the test server, or why there is none.
pub(super) fn server() -> Result<String, String> {
    static SERVER: OnceLock<Result<String, String>> = OnceLock::new();
    let found = SERVER.get_or_init(|| match std::env::var("VITRINE_TEST_POSTGRES") {
        Ok(url) if !url.is_empty() => Ok(url),
        _ => own_server().map(|server| server.url()),
    });
    found.clone()
}

/// The throw-away server's door on the loopback interface, which wants TLS and a password.
#[doc(hidden)]
#[derive(Debug)]
pub struct TlsServer {
    /// The port on 127.0.0.1. The certificate is for `localhost`.
    pub port: u16,
    /// The password of the user `vitrine`.
    pub password: String,
    /// The authority that signed the server's certificate.
    pub authority: PathBuf,
    /// One that did not.
    pub stranger: PathBuf,
}

impl TlsServer {
    /// Starts the server, if need be. The error says why there is none.
    pub fn find() -> Result<Self, String> {
        // The driver must not run on a thread of the async runtime.
        let found = std::thread::spawn(own_server)
            .join()
            .map_err(|_panic| "starting it panicked".to_owned())?;
        found.map(|server| Self {
            port: server.port,
            password: server.password,
            authority: server.home.join("authority.pem"),
            stranger: server.home.join("stranger.pem"),
        })
    }
}

struct Server {
    home: PathBuf,
    port: u16,
    password: String,
}

impl Server {
    fn url(&self) -> String {
        let socket = self.home.to_string_lossy().replace('/', "%2F");
        format!("postgres://vitrine@{socket}:{}/postgres", self.port)
    }

    fn answers(&self) -> bool {
        Target::parse(&self.url(), &Options::default()).is_ok_and(|target| target.connect().is_ok())
    }

    /// Reads what [`start`] wrote down.
    fn read(home: &Path) -> Option<Self> {
        let note = fs::read_to_string(home.join("server")).ok()?;
        let (port, password) = note.trim().split_once(' ')?;
        Some(Self {
            home: home.to_owned(),
            port: port.parse().ok()?,
            password: password.to_owned(),
        })
    }
}

fn own_server() -> Result<Server, String> {
    let programs = find_programs()?;
    let place = place()?;
    let lock =
        File::create(place.join("lock")).map_err(|error| format!("no lock file: {error}"))?;
    lock.lock().map_err(|error| format!("no lock: {error}"))?;
    let home = place.join("home");
    if let Some(server) = Server::read(&home)
        && server.answers()
    {
        return Ok(server);
    }
    start(&programs, &place, &home)
}

/// The folder that holds `initdb` and the others: the one in PATH, or the newest where Debian puts them.
fn find_programs() -> Result<PathBuf, String> {
    let in_path = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let mut installed: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some((path.file_name()?.to_str()?.parse().ok()?, path.join("bin")))
        })
        .collect();
    installed.sort();
    let candidates = in_path.chain(installed.into_iter().rev().map(|(_, path)| path));
    let complete = |folder: &PathBuf| {
        ["initdb", "pg_ctl", "psql"]
            .iter()
            .all(|name| folder.join(name).exists())
    };
    candidates.into_iter().find(complete).ok_or_else(|| {
        "initdb is neither in PATH nor in /usr/lib/postgresql; install a PostgreSQL server or set VITRINE_TEST_POSTGRES"
            .to_owned()
    })
}

/// A folder for this build folder's server, short enough for a socket's name.
fn place() -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let build = program
        .ancestors()
        .find(|folder| folder.ends_with("deps"))
        .and_then(Path::parent)
        .unwrap_or(&program);
    let mut hash = HEXLOWER.encode(&Sha256::digest(build.as_os_str().as_encoded_bytes()));
    hash.truncate(10);
    let user = std::env::var("USER").unwrap_or_default();
    let place = roomy_folder().join(format!("vitrine-pg-{hash}{user}"));
    fs::create_dir_all(&place)
        .map_err(|error| format!("no folder {}: {error}", place.display()))?;
    Ok(place)
}

/// Memory, if it has two gigabytes to spare: a database is made there thirty times faster than on a busy disk.
fn roomy_folder() -> PathBuf {
    let memory = "/dev/shm";
    let free = Command::new("df")
        .args(["-Pk", memory])
        .output()
        .ok()
        .and_then(|answer| {
            let answer = String::from_utf8(answer.stdout).ok()?;
            answer
                .lines()
                .nth(1)?
                .split_whitespace()
                .nth(3)?
                .parse::<u64>()
                .ok()
        });
    if free.is_some_and(|kilobytes| kilobytes >= 2 << 20) {
        PathBuf::from(memory)
    } else {
        std::env::temp_dir()
    }
}

fn start(programs: &Path, place: &Path, home: &Path) -> Result<Server, String> {
    let trouble = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error}");
    let account = Account::for_server(place)?;
    if home.exists() {
        // Left by a server that was killed.
        let stop = ["stop", "-m", "immediate", "-D", &text(&home.join("data"))];
        drop(account.run(programs, "pg_ctl", &stop)); // most often it is not running any more
        fs::remove_dir_all(home)
            .map_err(|error| trouble("the old server's folder stays", &error))?;
    }
    fs::create_dir(home).map_err(|error| trouble("no folder", &error))?;
    let password = RandomIds.secret().expose().to_owned();
    let port = free_port().map_err(|error| trouble("no port", &error))?;
    let files = [
        ("authority.pem", include_str!("tls/authority.pem")),
        ("stranger.pem", include_str!("tls/stranger.pem")),
        ("server.pem", include_str!("tls/server.pem")),
        ("server.key", include_str!("tls/server.key")),
        ("password", password.as_str()),
    ];
    for (name, content) in files {
        write_private(&account, &home.join(name), content)
            .map_err(|error| trouble(name, &error))?;
    }
    account
        .give(home)
        .map_err(|error| trouble("the folder cannot be handed over", &error))?;
    fs::set_permissions(home, fs::Permissions::from_mode(0o700))
        .map_err(|error| trouble("permissions", &error))?;

    initialise(&account, programs, home)?;
    let hba = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
    write_private(&account, &home.join("data/pg_hba.conf"), hba)
        .map_err(|error| trouble("pg_hba.conf", &error))?;
    let home_text = text(home);
    let settings = format!(
        "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={home_text} -c max_connections=400 \
         -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c wal_level=minimal -c max_wal_senders=0 \
         -c deadlock_timeout=100ms -c ssl=on -c ssl_cert_file={home_text}/server.pem -c ssl_key_file={home_text}/server.key"
    );
    let data = text(&home.join("data"));
    let log = text(&home.join("log"));
    account.run(
        programs,
        "pg_ctl",
        &[
            "start", "-w", "-s", "-D", &data, "-l", &log, "-o", &settings,
        ],
    )?;

    let server = Server {
        home: home.to_owned(),
        port,
        password,
    };
    write_private(
        &account,
        &home.join("server"),
        &format!("{port} {}", server.password),
    )
    .map_err(|error| trouble("the note", &error))?;
    account.watch(programs, place, home, port)?;
    if server.answers() {
        Ok(server)
    } else {
        Err(format!("the server does not answer; see {log}"))
    }
}

/// `initdb`, with English rules for the order of text where the release can.
fn initialise(account: &Account, programs: &Path, home: &Path) -> Result<(), String> {
    let data = text(&home.join("data"));
    let password_file = format!("--pwfile={}", text(&home.join("password")));
    let common = [
        "-D",
        &data,
        "-U",
        "vitrine",
        "-E",
        "UTF8",
        "--auth-local=trust",
        "--auth-host=scram-sha-256",
        "--no-sync",
        &password_file,
    ];
    let english = ["--locale=C", "--locale-provider=icu", "--icu-locale=en-US"];
    account
        .run(programs, "initdb", &[&common[..], &english[..]].concat())
        .or_else(|_too_old| {
            drop(fs::remove_dir_all(home.join("data"))); // initdb itself says so if it is still in the way
            account.run(programs, "initdb", &[&common[..], &["--locale=C"]].concat())
        })
}

fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()?
        .port())
}

fn write_private(account: &Account, path: &Path, content: &str) -> std::io::Result<()> {
    fs::write(path, content)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    account.give(path)
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Who runs the server: ourselves, or, since it refuses to run as root, the user `postgres`.
struct Account {
    other: Option<(u32, u32)>,
}

impl Account {
    fn for_server(place: &Path) -> Result<Self, String> {
        let we = fs::metadata(place.join("lock"))
            .map_err(|error| error.to_string())?
            .uid();
        if we != 0 {
            return Ok(Self { other: None });
        }
        let users =
            fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd: {error}"))?;
        let numbers = users.lines().find_map(|line| {
            let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
            Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
        });
        match numbers {
            Some(other) => Ok(Self { other: Some(other) }),
            None => Err(
                "the tests run as root and there is no user `postgres` to run a server as"
                    .to_owned(),
            ),
        }
    }

    fn give(&self, path: &Path) -> std::io::Result<()> {
        match self.other {
            Some((user, group)) => chown(path, Some(user), Some(group)),
            None => Ok(()),
        }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some((user, group)) = self.other {
            command.uid(user).gid(group);
        }
        // A group of its own and no open pipes, so that no test runner waits for it or kills it.
        command.process_group(0).current_dir("/").env("LC_ALL", "C");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn run(&self, programs: &Path, name: &str, arguments: &[&str]) -> Result<(), String> {
        let status = self.command(&programs.join(name)).args(arguments).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("{name} ended with {status}")),
            Err(error) => Err(format!("{name} did not start: {error}")),
        }
    }

    /// Starts the watchdog, which outlives us.
    fn watch(&self, programs: &Path, place: &Path, home: &Path, port: u16) -> Result<(), String> {
        const SCRIPT: &str = r#"
            programs=$1 lock=$2 home=$3 port=$4 idle=0
            others="SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            while sleep 10; do
                [ -f "$home/data/postmaster.pid" ] || exit 0
                count=$("$programs/psql" -h "$home" -p "$port" -U vitrine -d postgres -Atqc "$others") || count=0
                if [ "$count" = 0 ]; then idle=$((idle + 1)); else idle=0; fi
                [ "$idle" -ge 60 ] || continue
                flock -n "$lock" sh -c '"$1/pg_ctl" stop -s -m immediate -D "$2/data"; rm -rf "$2"/*' - "$programs" "$home" && exit 0
                idle=0
            done
        "#;
        let mut watchdog = self.command(Path::new("/bin/sh"));
        watchdog
            .args(["-c", SCRIPT, "-"])
            .arg(programs)
            .arg(place.join("lock"))
            .arg(home)
            .arg(port.to_string());
        watchdog
            .spawn()
            .map(drop)
            .map_err(|error| format!("the watchdog did not start: {error}"))
    }
}
