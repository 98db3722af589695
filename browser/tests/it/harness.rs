//! A real shop and a real browser, each in a process of its own, both gone at the end.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;
use tempfile::TempDir;

/// How long a page may take to show what a journey waits for. Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Process {
    /// Starts a program and reads its output until a line holds `sign`; answers with what follows it.
    fn start(command: &mut Command, sign: &str) -> (Self, String) {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut output = BufReader::new(child.stdout.take().expect("its output is ours"));
        let mut line = String::new();
        loop {
            line.clear();
            let read = output.read_line(&mut line).expect("its output can be read");
            assert!(read > 0, "the program ended before it said {sign:?}");
            if let Some((_, rest)) = line.split_once(sign) {
                let rest = rest.trim().to_owned();
                // What it says later must not block it.
                std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
                return (Self(child), rest);
            }
        }
    }
}

/// The demo shop, served by the real binary on a port of its own.
pub(crate) struct Shop {
    _server: Process,
    folder: TempDir,
    address: String,
}

impl Shop {
    /// Opens the demo shop; `None`, with a visible line, where it cannot be driven.
    pub(crate) fn open() -> Option<Self> {
        if let Err(missing) = tools() {
            let required = std::env::var("VITRINE_REQUIRE_BROWSER").is_ok_and(|value| value == "1");
            assert!(!required, "VITRINE_REQUIRE_BROWSER=1, but {missing}");
            // Straight to the terminal: what goes through `eprintln!` is kept back when a test passes.
            let line = format!("skipped: {missing}\n");
            std::io::stderr().write_all(line.as_bytes()).expect("the terminal takes a line");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mut command = Command::new(binary().expect("it was there a moment ago"));
        command.args(["serve", "--demo", "--listen", "127.0.0.1:0", "--data"]).arg(folder.path());
        let (server, address) = Process::start(&mut command, "The shop is open: ");
        Some(Self { _server: server, folder, address })
    }

    /// Runs a command of the binary on the shop's data; answers with what it says.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(binary().expect("the binary is there"));
        let output = command.args(arguments).arg("--data").arg(self.folder.path()).output().expect("the command runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "vitrine {arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    /// A page of the shop.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }
}

fn tools() -> Result<(), String> {
    binary().ok_or("the binary is not built: run `cargo build -p vitrine` first")?;
    for (program, package) in [("chromedriver", "chromium-driver"), ("chromium", "chromium")] {
        let found = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
        if !found {
            return Err(format!("{program} is not installed (Debian package {package})"));
        }
    }
    Ok(())
}

/// The binary beside this test's own folder.
fn binary() -> Option<PathBuf> {
    let here = std::env::current_exe().ok()?;
    let built = here.parent()?.parent()?.join("vitrine");
    built.exists().then_some(built)
}

/// Whether pages may run script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    /// As usual.
    On,
    /// Switched off in the browser's settings.
    Off,
}

/// A browser window.
pub(crate) struct Browser {
    pub(crate) client: Client,
    _driver: Process,
    _profile: TempDir,
}

impl Browser {
    /// Opens a window of this size.
    pub(crate) async fn open(script: Script, (width, height): (u32, u32)) -> Self {
        let (driver, port) = Process::start(Command::new("chromedriver").arg("--port=0"), "started successfully on port ");
        let port = port.trim_end_matches('.').to_owned();
        let profile = tempfile::tempdir().expect("a folder can be made");
        let mut options = json!({
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                format!("--window-size={width},{height}"),
                format!("--user-data-dir={}", profile.path().display()),
            ],
        });
        if script == Script::Off {
            options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
        }
        let mut capabilities = serde_json::Map::new();
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        capabilities.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
        let client = ClientBuilder::new(hyper_connector())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("the browser opens");
        Self { client, _driver: driver, _profile: profile }
    }

    /// Goes to a page.
    pub(crate) async fn visit(&self, url: &str) {
        self.client.goto(url).await.expect("the page loads");
    }

    /// Waits for something to be there.
    pub(crate) async fn find(&self, css: &str) -> Element {
        let waiting = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css));
        match waiting.await {
            Ok(element) => element,
            Err(error) => panic!("{css} is not on {}: {error}", self.path().await),
        }
    }

    /// Waits for something and presses it.
    pub(crate) async fn press(&self, css: &str) {
        self.find(css).await.click().await.unwrap_or_else(|error| panic!("{css} cannot be pressed: {error}"));
    }

    /// Types into a field.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.expect("the field can be emptied");
        field.send_keys(text).await.expect("the field can be typed into");
    }

    /// Waits until the page's address begins so.
    pub(crate) async fn arrive(&self, path: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !self.path().await.starts_with(path) {
            assert!(tokio::time::Instant::now() < deadline, "still on {} and not on {path}", self.path().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The address of the page without the shop's.
    pub(crate) async fn path(&self) -> String {
        self.client.current_url().await.expect("the window has an address").path().to_owned()
    }

    /// What the page says in words.
    pub(crate) async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.expect("it has a text")
    }

    /// Closes the window.
    pub(crate) async fn close(self) {
        self.client.close().await.expect("the browser closes");
    }
}

/// A plain HTTP connection to the driver, which is on this machine.
fn hyper_connector() -> hyper_util::client::legacy::connect::HttpConnector {
    hyper_util::client::legacy::connect::HttpConnector::new()
}
