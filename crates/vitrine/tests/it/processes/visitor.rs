//! A buyer with a browser: real requests over loopback, each on a connection of its own.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kernel::VariantId;

/// How long somebody goes on trying. Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// Where the shop is at the moment; another process may serve it later. Clones are the same door.
#[derive(Clone)]
pub(super) struct Door(Arc<Mutex<SocketAddr>>);

impl Door {
    pub(super) fn at(address: SocketAddr) -> Self {
        Self(Arc::new(Mutex::new(address)))
    }

    pub(super) fn moves_to(&self, address: SocketAddr) {
        *self.0.lock().expect("nobody panics with it") = address;
    }

    fn address(&self) -> SocketAddr {
        *self.0.lock().expect("nobody panics with it")
    }
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    headers: Vec<(String, String)>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The path a redirect leads to, without the address of the process that said it.
    pub(super) fn leads_to(&self) -> Option<String> {
        let location = self.header("location").filter(|_| self.status == 303)?;
        let path = match location.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
            None => location,
        };
        Some(path.to_owned())
    }

    /// The value of the first field of this name.
    pub(super) fn value_of(&self, name: &str) -> Option<String> {
        let name = format!("name=\"{name}\"");
        let mut tags = self.body.split('<');
        let tag = tags.find(|tag| tag.contains(&name))?;
        let (_, rest) = tag.split_once("value=\"")?;
        Some(rest.split('"').next()?.to_owned())
    }
}

/// What became of a purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bought {
    /// The order's page, and the total the buyer saw before pressing "Pay".
    Order { path: String, total_minor: i64 },
    /// It did not come about: where it ended.
    No(String),
}

/// A buyer.
pub(super) struct Visitor {
    doors: Vec<Door>,
    /// What tells them from others behind the proxy; nobody is in between for those at the machine itself.
    number: Option<u32>,
    cookies: BTreeMap<String, String>,
    csrf: String,
    /// Whether they try again when the shop says that something went wrong on its side.
    is_patient: bool,
}

impl Visitor {
    /// Somebody who was never here, and comes in by the first door; by the next one when a door does not answer.
    pub(super) fn new(number: u32, doors: &[&Door]) -> Self {
        Self {
            doors: doors.iter().map(|door| (*door).clone()).collect(),
            number: Some(number),
            cookies: BTreeMap::new(),
            csrf: String::new(),
            is_patient: false,
        }
    }

    /// The same person, who tries again even when the shop says that something went wrong.
    pub(super) fn patient(self) -> Self {
        Self {
            is_patient: true,
            ..self
        }
    }

    /// Whoever runs the shop, on the machine it runs on.
    pub(super) fn at_the_machine(door: &Door) -> Self {
        Self {
            number: None,
            ..Self::new(0, &[door])
        }
    }

    /// Goes on at another door.
    pub(super) fn goes_to(&mut self, door: &Door) {
        self.doors = vec![door.clone()];
    }

    pub(super) fn get(&mut self, path: &str) -> Answer {
        self.until_answered(path, None)
    }

    pub(super) fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.until_answered(path, Some(fields))
    }

    /// Presses reload for as long as there is no answer.
    fn until_answered(&mut self, path: &str, fields: Option<&[(&str, &str)]>) -> Answer {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.once(path, fields) {
                Ok(answer) if answer.status == 503 => {}
                Ok(answer) if answer.status == 500 && self.is_patient => {}
                Ok(answer) => return answer,
                Err(_) => self.doors.rotate_left(1),
            }
            assert!(Instant::now() < deadline, "{path} is never answered");
            std::thread::sleep(PAUSE);
        }
    }

    /// Asks once, and takes whatever comes back.
    pub(super) fn once(
        &mut self,
        path: &str,
        fields: Option<&[(&str, &str)]>,
    ) -> io::Result<Answer> {
        let address = self.doors[0].address();
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(self.request(address, path, fields).as_bytes())?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        let answer = read(&bytes)?;
        self.remember(&answer);
        Ok(answer)
    }

    fn request(&self, address: SocketAddr, path: &str, fields: Option<&[(&str, &str)]>) -> String {
        let forwarded = self.number.map(|number| {
            let [.., high, low] = number.to_be_bytes();
            format!("x-forwarded-for: 10.7.{high}.{low}\r\n")
        });
        let forwarded = forwarded.unwrap_or_default();
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let common = format!(
            "host: {address}\r\nconnection: close\r\n{forwarded}cookie: {}\r\n",
            cookies.join("; ")
        );
        let Some(fields) = fields else {
            return format!("GET {path} HTTP/1.1\r\n{common}\r\n");
        };
        let token = [("csrf", self.csrf.as_str())];
        let pairs = token
            .iter()
            .chain(fields)
            .map(|(name, value)| format!("{name}={}", escaped(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        format!(
            "POST {path} HTTP/1.1\r\n{common}sec-fetch-site: same-origin\r\norigin: http://{address}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    fn remember(&mut self, answer: &Answer) {
        for (_, value) in answer
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie")
        {
            let pair = value
                .split(';')
                .next()
                .and_then(|pair| pair.split_once('='));
            if let Some((name, value)) = pair {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        if let Some(token) = answer.value_of("csrf").filter(|token| !token.is_empty()) {
            self.csrf = token;
        }
    }

    /// Puts something into the bag; says whether it is in.
    pub(super) fn takes(&mut self, variant: &VariantId, quantity: u32) -> bool {
        let fields = [
            ("variant", variant.as_str()),
            ("quantity", &quantity.to_string()),
        ];
        let answer = self.post("/cart/lines", &fields);
        answer.leads_to().is_some()
    }

    /// From the bag to the checkout's last section. `None` if the shop sends the buyer elsewhere.
    pub(super) fn fills_in(&mut self) -> Option<()> {
        self.get("/checkout");
        let address = [
            ("step", "address"),
            ("email", "noor@example.com"),
            ("country", "NL"),
            ("name", "Noor de Wit"),
            ("line1", "Prinsengracht 1"),
            ("postal_code", "1015dk"),
            ("city", "Amsterdam"),
        ];
        let next = self.post("/checkout", &address).leads_to()?;
        let method = self.get(&next).value_of("delivery_method")?;
        let delivery = [("step", "delivery"), ("delivery_method", method.as_str())];
        self.post("/checkout", &delivery).leads_to().map(drop)
    }

    /// Presses "Pay", says yes on the gateway's page, and comes back.
    pub(super) fn pays(&mut self) -> Bought {
        let page = self.get("/checkout?step=payment");
        let Some(total) = page.value_of("total_seen_minor") else {
            // It was paid before, and the answer was lost on its way.
            return self.follow("/checkout/return".to_owned(), 0);
        };
        let total_minor = total.parse().expect("a number of cents");
        let fields = [
            ("payment_method", "test"),
            ("total_seen_minor", total.as_str()),
        ];
        let pressed = self.post("/checkout/complete", &fields);
        match pressed.leads_to() {
            Some(path) => self.follow(path, total_minor),
            None => Bought::No(format!("{}", pressed.status)),
        }
    }

    fn follow(&mut self, mut path: String, total_minor: i64) -> Bought {
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "still at {path}");
            let answer = if path.starts_with("/orders/") {
                let path = path.split('?').next().unwrap_or(&path).to_owned();
                return Bought::Order { path, total_minor };
            } else if path.starts_with("/test-gateway/") {
                self.post(&path, &[("outcome", "approve")])
            } else if path.starts_with("/checkout/return") {
                self.get(&path)
            } else {
                return Bought::No(path);
            };
            path = answer.leads_to().unwrap_or_else(|| {
                // Nothing is decided yet: the page has a link to go on.
                std::thread::sleep(PAUSE);
                "/checkout/return?resume=1".to_owned()
            });
        }
    }
}

fn escaped(text: &str) -> String {
    let letter = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(letter).collect()
}

/// Reads an answer whole; one that was cut off is none.
fn read(bytes: &[u8]) -> io::Result<Answer> {
    let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .ok_or_else(cut)?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|word| word.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers: Vec<_> = headers
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let answer = Answer {
        status: status.ok_or_else(cut)?,
        body: String::new(),
        headers,
    };
    let rest = &bytes[end + 4..];
    let body = if answer.header("transfer-encoding") == Some("chunked") {
        unchunked(rest).ok_or_else(cut)?
    } else {
        let length: usize = answer
            .header("content-length")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        rest.get(..length).ok_or_else(cut)?.to_vec()
    };
    Ok(Answer {
        body: String::from_utf8_lossy(&body).into_owned(),
        ..answer
    })
}

fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n")?;
        let size =
            usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?.trim(), 16).ok()?;
        rest = rest.get(line + 2..)?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}
