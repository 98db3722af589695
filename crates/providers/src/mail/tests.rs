//! The mailer against a real mail server, started by the test: Python's aiosmtpd (`apt install python3-aiosmtpd`).
//!
//! Where there is none the tests print a line saying so and pass, unless `VITRINE_REQUIRE_SMTP=1` asks them to fail.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use commerce::ports::mail::{Letter, MailError, Mailer};
use serde::Deserialize;

use super::{SmtpConfig, SmtpMailer};

/// A mail as the server, not our own code, reads it.
#[derive(Debug, Deserialize)]
struct Arrived {
    mail_from: String,
    rcpt_tos: Vec<String>,
    sender_name: String,
    sender_address: String,
    headers: Vec<(String, String)>,
    content_type: String,
    order: Vec<String>,
    text: String,
    html: String,
    ascii: bool,
    longest_line: usize,
    encrypted: bool,
    signed_in: bool,
}

impl Arrived {
    fn header(&self, name: &str) -> &str {
        let mut found = self
            .headers
            .iter()
            .filter(|(header, _)| header.eq_ignore_ascii_case(name));
        let (_, value) = found
            .next()
            .unwrap_or_else(|| panic!("no {name} in {:?}", self.headers));
        assert!(found.next().is_none(), "{name} twice in {:?}", self.headers);
        value
    }

    fn has(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(header, _)| header.eq_ignore_ascii_case(name))
    }
}

/// A running mail server; it ends with the test.
struct Server {
    child: Child,
    printed: BufReader<ChildStdout>,
    port: u16,
}

impl Server {
    /// Starts one; `None`, with a visible line, where aiosmtpd is not installed.
    fn start(arguments: &[&str]) -> Option<Self> {
        let Some(python) = python() else {
            let required = std::env::var("VITRINE_REQUIRE_SMTP").is_ok_and(|value| value == "1");
            assert!(
                !required,
                "VITRINE_REQUIRE_SMTP=1, but there is no aiosmtpd: apt install python3-aiosmtpd"
            );
            // Straight to the terminal: what goes through `eprintln!` is kept back when a test passes.
            std::io::stderr()
                .write_all(b"skipped: no mail server (apt install python3-aiosmtpd)\n")
                .expect("the terminal takes a line");
            return None;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/mail/receiver.py");
        let mut command = Command::new(python);
        command
            .arg(script)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("python starts");
        let mut printed = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut port = String::new();
        printed
            .read_line(&mut port)
            .expect("the server prints its port");
        let port = port
            .trim()
            .parse()
            .unwrap_or_else(|_| panic!("the mail server did not start; its complaint is above"));
        Some(Self {
            child,
            printed,
            port,
        })
    }

    fn mailer(&self, url: &str) -> SmtpMailer {
        let url = url.replace("PORT", &self.port.to_string());
        SmtpMailer::new(SmtpConfig::parse(&url, Some("orders@shop.example")).unwrap())
    }

    /// The next mail that arrived: one that was sent has.
    fn arrived(&mut self) -> Arrived {
        let mut line = String::new();
        self.printed
            .read_line(&mut line)
            .expect("the server prints what arrives");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().expect("the mail server can be stopped");
        self.child.wait().expect("the mail server ends");
    }
}

/// A Python that has aiosmtpd: the one in PATH, or the system's.
fn python() -> Option<&'static str> {
    static PYTHON: OnceLock<Option<&'static str>> = OnceLock::new();
    *PYTHON.get_or_init(|| {
        ["python3", "/usr/bin/python3"].into_iter().find(|python| {
            let probe = Command::new(python)
                .args(["-c", "import aiosmtpd"])
                .stderr(Stdio::null())
                .status();
            probe.is_ok_and(|status| status.success())
        })
    })
}

/// A file of the certificates the test databases use: a server's for `localhost`, and the authority behind it.
fn tls_file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../db/src/testing/tls")
        .join(name);
    path.to_str().expect("the path is text").to_owned()
}

fn letter() -> Letter {
    Letter {
        id: "mail_01k9zv5d3efh2j7m8n9pqrstvw".to_owned(),
        from_name: "Café Ödland".to_owned(),
        reply_to: Some("hello@shop.example".to_owned()),
        to: "buyer@example.com".to_owned(),
        subject: "Deine Bestellung № 1001 – danke! 🫖".to_owned(),
        html: "<p>Grüße aus dem <b>Café</b></p>\n".to_owned(),
        text: "Grüße aus dem Café\n.\nEine Zeile nur mit einem Punkt davor.\n".to_owned(),
    }
}

fn later(sent: Result<(), MailError>) -> String {
    match sent {
        Err(MailError::Later(why)) => why,
        other => panic!("{other:?} instead of later"),
    }
}

fn never(sent: Result<(), MailError>) -> String {
    match sent {
        Err(MailError::Never(why)) => why,
        other => panic!("{other:?} instead of never"),
    }
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let Some(mut server) = Server::start(&[]) else {
        return;
    };
    let letter = letter();
    server
        .mailer("smtp://127.0.0.1:PORT")
        .send(&letter)
        .await
        .unwrap();
    let mail = server.arrived();
    assert_eq!(
        (mail.mail_from.as_str(), mail.rcpt_tos.as_slice()),
        (
            "orders@shop.example",
            ["buyer@example.com".to_owned()].as_slice()
        )
    );
    assert_eq!(mail.header("Subject"), letter.subject);
    assert_eq!(mail.header("From"), "Café Ödland <orders@shop.example>");
    assert_eq!(mail.header("Reply-To"), "Café Ödland <hello@shop.example>");
    assert_eq!(mail.header("To"), "buyer@example.com");
    assert_eq!(
        mail.header("Message-ID"),
        "<mail_01k9zv5d3efh2j7m8n9pqrstvw@shop.example>"
    );
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert!(mail.has("Date") && mail.has("MIME-Version"));
    assert_eq!(mail.content_type, "multipart/alternative");
    assert_eq!(
        mail.order,
        ["multipart/alternative", "text/plain", "text/html"]
    );
    assert_eq!(mail.text.replace("\r\n", "\n"), letter.text);
    assert_eq!(mail.html.replace("\r\n", "\n"), letter.html);
    // What old servers on the way insist on.
    assert!(mail.ascii && mail.longest_line <= 998, "{mail:?}");
    assert!(!mail.encrypted && !mail.signed_in);
}

#[tokio::test]
async fn nothing_in_a_letter_can_add_a_header_or_a_receiver() {
    let Some(mut server) = Server::start(&[]) else {
        return;
    };
    let mailer = server.mailer("smtp://127.0.0.1:PORT");
    let evil = "x\r\nBcc: thief@evil.example\r\nX-Evil: 1\r\n\r\n<script>";
    let sent = Letter {
        subject: evil.to_owned(),
        from_name: evil.to_owned(),
        ..letter()
    };
    mailer.send(&sent).await.unwrap();
    let mail = server.arrived();
    assert_eq!(mail.rcpt_tos, ["buyer@example.com"]);
    assert!(
        !mail.has("Bcc") && !mail.has("X-Evil"),
        "{:?}",
        mail.headers
    );
    assert_eq!(
        mail.header("Subject"),
        "x Bcc: thief@evil.example X-Evil: 1 <script>"
    );
    assert_eq!(mail.text.replace("\r\n", "\n"), sent.text);
    for to in [
        "buyer@example.com\r\nRCPT TO:<thief@evil.example>",
        "a@b.example, thief@evil.example",
        "a@b.example\u{0}",
        "<a@b.example>",
    ] {
        never(
            mailer
                .send(&Letter {
                    to: to.to_owned(),
                    ..letter()
                })
                .await,
        );
    }
    never(
        mailer
            .send(&Letter {
                reply_to: Some("a@b.example\nBcc: c@d.example".to_owned()),
                ..letter()
            })
            .await,
    );
    // A quote or a backslash in the shop's name ends nothing either.
    for name in [
        "\"Tea\" \\ <thief@evil.example>, Ltd.",
        "a, b",
        "Smith, Jones & Daughters: Fine Teas and Coffees of Amsterdam, est. 1799",
        "Ödland, Café",
    ] {
        mailer
            .send(&Letter {
                from_name: name.to_owned(),
                ..letter()
            })
            .await
            .unwrap();
        let mail = server.arrived();
        assert_eq!(
            (mail.sender_name.as_str(), mail.sender_address.as_str()),
            (name, "orders@shop.example"),
            "{:?}",
            mail.headers
        );
        assert_eq!(mail.mail_from, "orders@shop.example");
    }
}

#[tokio::test]
async fn subjects_and_names_of_any_length_and_script_come_through() {
    let Some(mut server) = Server::start(&[]) else {
        return;
    };
    let mailer = server.mailer("smtp://127.0.0.1:PORT");
    let long = "Your order 1001 from Smith, Jones & Daughters: Fine Teas and Coffees of Amsterdam is on its way";
    for text in [
        "Hello",
        long,
        &format!("{long} {long} {long}"),
        &"ünïcödé🫖".repeat(40),
        &"x".repeat(200),
        "注文が発送されました：緑茶 100 グラム、急須、湯呑み五客揃え、送料無料のお知らせ",
        "a\u{301}\u{202e}b: <c>; \"d\" \\ (e) @f, [g]",
    ] {
        mailer
            .send(&Letter {
                subject: text.to_owned(),
                from_name: text.to_owned(),
                ..letter()
            })
            .await
            .unwrap();
        let mail = server.arrived();
        assert_eq!(mail.header("Subject"), text);
        assert_eq!(
            (mail.sender_name.as_str(), mail.sender_address.as_str()),
            (text, "orders@shop.example"),
            "{:?}",
            mail.headers
        );
        assert!(
            mail.ascii && mail.longest_line <= 998,
            "{}",
            mail.longest_line
        );
    }
}

#[tokio::test]
async fn a_line_that_is_only_a_dot_and_a_very_long_line_come_through() {
    let Some(mut server) = Server::start(&[]) else {
        return;
    };
    let text = format!(".\n..\n{}\n.", "x".repeat(5_000));
    server
        .mailer("smtp://127.0.0.1:PORT")
        .send(&Letter {
            text: text.clone(),
            ..letter()
        })
        .await
        .unwrap();
    let mail = server.arrived();
    assert_eq!(mail.text.replace("\r\n", "\n").trim_end_matches('\n'), text);
    assert!(mail.longest_line <= 998, "{}", mail.longest_line);
}

#[tokio::test]
async fn without_a_sender_of_its_own_mail_comes_from_the_shops_address() {
    let Some(mut server) = Server::start(&[]) else {
        return;
    };
    let url = format!("smtp://127.0.0.1:{}", server.port);
    SmtpMailer::new(SmtpConfig::parse(&url, None).unwrap())
        .send(&letter())
        .await
        .unwrap();
    let mail = server.arrived();
    assert_eq!(mail.header("From"), "Café Ödland <hello@shop.example>");
    assert!(!mail.has("Reply-To"));
}

#[tokio::test]
async fn a_mailbox_that_does_not_exist_is_never_and_a_busy_one_is_later() {
    let Some(mut server) = Server::start(&[]) else {
        return;
    };
    let mailer = server.mailer("smtp://127.0.0.1:PORT");
    let why = never(
        mailer
            .send(&Letter {
                to: "nobody@example.com".to_owned(),
                ..letter()
            })
            .await,
    );
    assert!(
        why.contains("550") && why.contains("no such mailbox"),
        "{why}"
    );
    let why = later(
        mailer
            .send(&Letter {
                to: "busy@example.com".to_owned(),
                ..letter()
            })
            .await,
    );
    assert!(
        why.contains("451") && why.contains("come back later"),
        "{why}"
    );
    let why = never(
        mailer
            .send(&Letter {
                subject: "too much".to_owned(),
                ..letter()
            })
            .await,
    );
    assert!(why.contains("552"), "{why}");
    // After all the refusals the next one goes through, and it is the first to arrive.
    mailer.send(&letter()).await.unwrap();
    assert_eq!(server.arrived().rcpt_tos, ["buyer@example.com"]);
}

#[tokio::test]
async fn letters_beyond_ascii_in_an_address_need_a_server_that_knows_them() {
    let Some(mut server) = Server::start(&[]) else {
        return;
    };
    let letter = Letter {
        to: "jürgen@example.com".to_owned(),
        ..letter()
    };
    server
        .mailer("smtp://127.0.0.1:PORT")
        .send(&letter)
        .await
        .unwrap();
    assert_eq!(server.arrived().rcpt_tos, ["jürgen@example.com"]);
    let Some(old) = Server::start(&["--no-utf8"]) else {
        return;
    };
    never(old.mailer("smtp://127.0.0.1:PORT").send(&letter).await);
}

#[tokio::test]
async fn a_server_that_is_down_or_does_not_speak_is_later() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let mailer = SmtpMailer::new(SmtpConfig::parse(&url, Some("orders@shop.example")).unwrap());
    let why = later(
        mailer
            .clone()
            .with_opening_time(Duration::from_millis(50))
            .send(&letter())
            .await,
    );
    assert!(why.contains("no answer within"), "{why}");
    drop(listener);
    later(mailer.send(&letter()).await);
    later(mailer.check().await);
    let nowhere = SmtpConfig::parse(
        "smtp://mail.does-not-exist.localhost",
        Some("orders@shop.example"),
    )
    .unwrap();
    later(SmtpMailer::new(nowhere).send(&letter()).await);
}

#[tokio::test]
async fn a_server_that_offers_no_encryption_gets_neither_mail_nor_password() {
    let Some(server) = Server::start(&["--user", "shop", "pass"]) else {
        return;
    };
    let why = later(
        server
            .mailer("smtp://shop:pass@localhost:PORT?tls=required")
            .send(&letter())
            .await,
    );
    assert!(why.contains("STARTTLS"), "{why}");
}

#[tokio::test]
async fn the_mailer_signs_in_over_starttls_and_over_tls() {
    let (certificate, key, authority) = (
        tls_file("server.pem"),
        tls_file("server.key"),
        tls_file("authority.pem"),
    );
    for (flag, scheme) in [("--starttls", "smtp"), ("--tls", "smtps")] {
        let Some(mut server) = Server::start(&[
            flag,
            &certificate,
            &key,
            "--user",
            "shop@example.com",
            "p/w:d@1",
        ]) else {
            return;
        };
        let query = format!("tls=required&tlsrootcert={authority}");
        let mailer = server.mailer(&format!(
            "{scheme}://shop%40example.com:p%2Fw%3Ad%401@localhost:PORT?{query}"
        ));
        mailer.check().await.unwrap();
        mailer.send(&letter()).await.unwrap();
        let mail = server.arrived();
        assert!(mail.encrypted && mail.signed_in, "{scheme}: {mail:?}");
        // A wrong password is the operator's to mend: the mails wait.
        let why = later(
            server
                .mailer(&format!(
                    "{scheme}://shop%40example.com:wrong@localhost:PORT?{query}"
                ))
                .send(&letter())
                .await,
        );
        assert!(why.contains("535"), "{why}");
        assert!(!why.contains("wrong"), "{why}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_prove_its_name_gets_no_mail() {
    let (certificate, key) = (tls_file("server.pem"), tls_file("server.key"));
    let Some(server) = Server::start(&["--starttls", &certificate, &key]) else {
        return;
    };
    // Its authority is not known, then another one's, then the name is not the one in the certificate.
    later(
        server
            .mailer("smtp://localhost:PORT?tls=required")
            .send(&letter())
            .await,
    );
    let stranger = tls_file("stranger.pem");
    later(
        server
            .mailer(&format!(
                "smtp://localhost:PORT?tls=required&tlsrootcert={stranger}"
            ))
            .send(&letter())
            .await,
    );
    let authority = tls_file("authority.pem");
    later(
        server
            .mailer(&format!(
                "smtp://127.0.0.1:PORT?tls=required&tlsrootcert={authority}"
            ))
            .send(&letter())
            .await,
    );
    server
        .mailer(&format!(
            "smtp://localhost:PORT?tls=required&tlsrootcert={authority}"
        ))
        .send(&letter())
        .await
        .unwrap();
}
