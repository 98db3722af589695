//! A real shop and a real browser, each in a process of its own, both gone at the end.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a page may take to show what a journey waits for. Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process that ends with the test, and what it says.
struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Process {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let output = BufReader::new(child.stdout.take().expect("its output is ours"));
        let (sender, lines) = std::sync::mpsc::channel();
        // Read to the end, listened to or not: a full pipe would block it.
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                drop(sender.send(line));
            }
        });
        Self { child, lines }
    }

    /// Waits for a line with `sign`; answers with what follows it.
    fn says(&self, sign: &str) -> String {
        loop {
            let line = self
                .lines
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|_| panic!("the program never said {sign:?}"));
            if let Some((_, rest)) = line.split_once(sign) {
                return rest.trim().to_owned();
            }
        }
    }
}

/// The demo shop, served by the real binary on a port of its own.
pub(crate) struct Shop {
    server: Process,
    folder: TempDir,
    address: String,
}

impl Shop {
    /// Opens the demo shop; `None`, with a visible line, where it cannot be driven.
    pub(crate) fn open() -> Option<Self> {
        Self::serve(&["--demo"])
    }

    /// Opens a shop with nothing in it, likewise.
    pub(crate) fn open_empty() -> Option<Self> {
        Self::serve(&[])
    }

    fn serve(options: &[&str]) -> Option<Self> {
        if let Err(missing) = tools() {
            let required = std::env::var("VITRINE_REQUIRE_BROWSER").is_ok_and(|value| value == "1");
            assert!(!required, "VITRINE_REQUIRE_BROWSER=1, but {missing}");
            // Straight to the terminal: what goes through `eprintln!` is kept back when a test passes.
            let line = format!("skipped: {missing}\n");
            std::io::stderr()
                .write_all(line.as_bytes())
                .expect("the terminal takes a line");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mut command = Command::new(binary().expect("it was there a moment ago"));
        command
            .args(["serve", "--log", "error", "--listen", "127.0.0.1:0"])
            .args(options)
            .arg("--data")
            .arg(folder.path());
        let server = Process::start(&mut command);
        let address = server.says("The shop is open: ");
        Some(Self {
            server,
            folder,
            address,
        })
    }

    /// The address at which a new shop is claimed, from its console. It is said once.
    pub(crate) fn claim_link(&self) -> String {
        self.server.says("Claim it: ")
    }

    /// The address that signs the demo shop's owner in, from its console. It is said once.
    pub(crate) fn owner_link(&self) -> String {
        self.server.says("within 15 minutes: ")
    }

    /// Waits until the demo shop has sold what it is to have sold, so that its stock is what the catalogue says.
    pub(crate) fn wait_for_history(&self) {
        self.server.says("The demo shop has its history now");
    }

    /// Ends the server without a word, as a power cut does.
    pub(crate) fn pull_the_plug(&mut self) {
        self.server.child.kill().expect("it runs");
        self.server.child.wait().expect("it ends");
    }

    /// Runs a command of the binary on the shop's data; answers with what it says.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(binary().expect("the binary is there"));
        let output = command
            .args(arguments)
            .arg("--data")
            .arg(self.folder.path())
            .output()
            .expect("the command runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "vitrine {arguments:?}: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        said
    }

    /// A page of the shop.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }
}

fn tools() -> Result<(), String> {
    binary().ok_or("the binary is not built: run `cargo build -p vitrine` first")?;
    for (program, package) in [
        ("chromedriver", "chromium-driver"),
        ("chromium", "chromium"),
    ] {
        let found = Command::new(program)
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success());
        if !found {
            return Err(format!(
                "{program} is not installed (Debian package {package})"
            ));
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
        let driver = Process::start(Command::new("chromedriver").arg("--port=0"));
        let port = driver
            .says("started successfully on port ")
            .trim_end_matches('.')
            .to_owned();
        let profile = tempfile::tempdir().expect("a folder can be made");
        let mut options = json!({
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
                // Smooth scrolling would move what is about to be pressed.
                "--force-prefers-reduced-motion", "--disable-background-networking", "--disable-component-update", "--disable-sync",
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
        let browser = Self {
            client,
            _driver: driver,
            _profile: profile,
        };
        // The window itself does not get narrower than its own frame allows; what pages see does.
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        browser
            .tell("Emulation.setDeviceMetricsOverride", screen)
            .await;
        browser
    }

    /// Tells the browser something in the words of its developer tools, for which its driver has none.
    async fn tell(&self, command: &str, parameters: Value) {
        let order = Order {
            path: "goog/cdp/execute",
            body: json!({ "cmd": command, "params": parameters }),
        };
        self.client
            .issue_cmd(order)
            .await
            .unwrap_or_else(|error| panic!("{command}: {error}"));
    }

    /// Asks pages for dark colours.
    pub(crate) async fn prefer_dark(&self) {
        let dark = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
        self.tell("Emulation.setEmulatedMedia", dark).await;
    }

    /// Cuts the browser off, or connects it again.
    pub(crate) async fn offline(&self, offline: bool) {
        let network = json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        self.tell("Network.emulateNetworkConditions", network).await;
    }

    /// What the console has said since it was last asked: errors of scripts, refusals of the content security policy,
    /// answers that were none.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self
            .client
            .issue_cmd(Order {
                path: "se/log",
                body: json!({ "type": "browser" }),
            })
            .await
            .expect("the console is kept");
        let entries = log.as_array().cloned().unwrap_or_default();
        entries
            .iter()
            .filter(|entry| entry["level"] != "INFO" && entry["level"] != "DEBUG")
            .map(ToString::to_string)
            .collect()
    }

    /// Presses a key, as a person does: it goes to whatever has the focus.
    pub(crate) async fn key(&self, key: char) {
        let stroke = KeyActions::new("keyboard".to_owned())
            .then(KeyAction::Down { value: key })
            .then(KeyAction::Up { value: key });
        self.client
            .perform_actions(stroke)
            .await
            .expect("the key goes down and up");
    }

    /// Runs a script in the page.
    pub(crate) async fn ask(&self, script: &str) -> Value {
        self.client
            .execute(script, Vec::new())
            .await
            .unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until an element says something.
    pub(crate) async fn wait_for_words(&self, css: &str, words: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            // It may be replaced at any moment.
            let said = match self.client.find(Locator::Css(css)).await {
                Ok(element) => element.text().await.unwrap_or_default(),
                Err(_) => String::new(),
            };
            if said.contains(words) {
                return;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "{css} says {said:?} and not {words:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether something is on the page at this moment.
    pub(crate) async fn has(&self, css: &str) -> bool {
        self.client.find(Locator::Css(css)).await.is_ok()
    }

    /// Goes to a page.
    pub(crate) async fn visit(&self, url: &str) {
        self.client.goto(url).await.expect("the page loads");
    }

    /// Waits for something to be there.
    pub(crate) async fn find(&self, css: &str) -> Element {
        let waiting = self
            .client
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(css));
        match waiting.await {
            Ok(element) => element,
            Err(error) => panic!("{css} is not on {}: {error}", self.path().await),
        }
    }

    /// Scrolls what lies below a bar at the window's edge to the middle, as people do. Without script it stays.
    pub(crate) async fn uncover(&self, element: &Element) {
        let element = serde_json::to_value(element).expect("JSON");
        let scrolled = self.client.execute(
            "arguments[0].scrollIntoView({ block: 'center' })",
            vec![element],
        );
        drop(scrolled.await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    /// Waits for something and presses it, where a pointer can reach it: what moves is waited for, what covers it is a fault.
    pub(crate) async fn press(&self, css: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let element = self.find(css).await;
            let Err(error) = element.click().await else {
                return;
            };
            assert!(
                tokio::time::Instant::now() < deadline,
                "{css} cannot be pressed on {}: {error}",
                self.path().await
            );
            self.uncover(&element).await;
        }
    }

    /// Types into a field.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.expect("the field can be emptied");
        field
            .send_keys(text)
            .await
            .expect("the field can be typed into");
    }

    /// Fills in the checkout's first section.
    pub(crate) async fn fill_in_address(&self, name: &str) {
        for (field, text) in [
            ("email", "noor@example.com"),
            ("name", name),
            ("line1", "Prinsengracht 112"),
            ("postal_code", "1015ea"),
            ("city", "Amsterdam"),
        ] {
            self.fill(&format!("input[name={field}]"), text).await;
        }
    }

    /// From the product's page to the checkout's last section, ready to pay.
    pub(crate) async fn go_to_payment(&self, shop: &Shop, product: &str, name: &str) {
        self.visit(&shop.url(&format!("/products/{product}"))).await;
        self.press("#buy button[type=submit]").await;
        self.press("#drawer-body a[href='/checkout']").await;
        self.arrive("/checkout").await;
        self.fill_in_address(name).await;
        self.press(".btn[name=step][value=address]").await;
        self.press("input[name=delivery_method]").await;
        self.press("button[name=step][value=delivery]").await;
        self.find("input[name=payment_method]").await;
    }

    /// Waits until the page's address begins so.
    pub(crate) async fn arrive(&self, path: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !self.path().await.starts_with(path) {
            assert!(
                tokio::time::Instant::now() < deadline,
                "still on {} and not on {path}",
                self.path().await
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The address of the page without the shop's.
    pub(crate) async fn path(&self) -> String {
        self.client
            .current_url()
            .await
            .expect("the window has an address")
            .path()
            .to_owned()
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

/// A command of the driver's own.
#[derive(Debug)]
struct Order {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Order {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!(
            "session/{}/{}",
            session.expect("the browser is open"),
            self.path
        ))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

/// A plain HTTP connection to the driver, which is on this machine.
fn hyper_connector() -> hyper_util::client::legacy::connect::HttpConnector {
    hyper_util::client::legacy::connect::HttpConnector::new()
}
