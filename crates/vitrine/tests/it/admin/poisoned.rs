//! Files nobody should have sent as a picture, sent as one.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use commerce::accounts::Role;
use commerce::media::{self, ContentHash};
use commerce::testing::poison::{self, Poison};

use super::products::{opens, starts, uploads, with_files};
use crate::harness::App;

/// A debug build on a busy machine; a file that holds the shop up takes far longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// What all of them together may add to the process at its largest.
const MEMORY: u64 = 900 << 20;

/// The most memory this process ever had, where the system tells.
fn most_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes << 10)
}

/// What is kept of a file, if anything is: every width of it.
async fn kept(app: &App, bytes: &[u8]) -> Vec<Vec<u8>> {
    let hash = ContentHash::of(bytes);
    let Some(picture) = media::find(app.shop(), hash.clone()).await.unwrap() else {
        return Vec::new();
    };
    let mut files = Vec::new();
    for width in picture.widths.as_slice() {
        let file = media::open_media(app.shop(), &hash, *width).await.unwrap();
        files.push(file.unwrap().bytes.to_vec());
    }
    files
}

fn is_part(part: &[u8], of: &[u8]) -> bool {
    of.windows(part.len()).any(|window| window == part)
}

async fn assert_clean(app: &App, poison: &Poison) {
    let files = kept(app, &poison.bytes).await;
    assert!(!files.is_empty(), "{}: nothing was kept", poison.what);
    for file in files {
        assert!(file.starts_with(b"RIFF"), "{}", poison.what);
        assert!(
            file.len() < 100_000,
            "{}: {} bytes",
            poison.what,
            file.len()
        );
        for hidden in [
            poison.hidden,
            b"Exif",
            b"EXIF",
            b"ICCP",
            b"XMP ",
            b"PK\x03\x04",
            b"SECRET",
        ] {
            assert!(
                !is_part(hidden, &file),
                "{}: something stayed in it",
                poison.what
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_poisoned_file_ends_in_its_sentence_or_as_a_clean_picture() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let path = starts(&mut ines, "Mug", "9").await;
    let form = opens(&mut ines, &path).await;
    let before = most_memory();
    let all = poison::files();
    let names: BTreeSet<&str> = all.iter().map(|poison| poison.what).collect();
    let distinct: BTreeSet<&[u8]> = all.iter().map(|poison| &poison.bytes[..]).collect();
    assert!(names.len() == all.len() && distinct.len() == all.len() && all.len() >= 60);
    let mut wrong = Vec::new();
    for poison in &all {
        let began = Instant::now();
        let body = with_files(&form, &[("mug.png", &poison.bytes)]);
        let answer = uploads(&mut ines, &path, body).await;
        let words = answer.words();
        let as_wanted = match poison.refusal {
            Some(reason) => {
                let sentence = reason.to_string();
                let said = answer.status == 422 && words.contains(&sentence);
                said && words.contains("mug.png") && kept(&app, &poison.bytes).await.is_empty()
            }
            None => answer.status == 200 && words.contains("1 picture is ready"),
        };
        if !as_wanted {
            let at = words.find("mug.png").unwrap_or(0);
            let said: String = words[at..].chars().take(120).collect();
            wrong.push(format!("{}: {} {said}", poison.what, answer.status));
        } else if poison.refusal.is_none() {
            assert_clean(&app, poison).await;
        }
        let took = began.elapsed();
        assert!(took < PATIENCE, "{} took {took:?}", poison.what);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    if let (Some(before), Some(after)) = (before, most_memory()) {
        let grown = after.saturating_sub(before);
        assert!(grown < MEMORY, "the process grew by {} MB", grown >> 20);
    }
    // The shop works on: the product is edited, seen and bought, and its books are right.
    let form = opens(&mut ines, &path).await.with("summary", "Still here.");
    assert_eq!(ines.submit(&form.press("intent", "save")).await.status, 303);
    assert_eq!(app.browser().get("/").await.status, 200);
    let breaches = commerce::verify::verify(app.shop()).await.unwrap();
    assert!(breaches.is_empty(), "{breaches:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_files_name_is_only_ever_shown() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let path = starts(&mut ines, "Mug", "9").await;
    let form = opens(&mut ines, &path).await;
    let long = format!("{}.png", "a".repeat(300));
    let names = [
        ("../../../../etc/passwd.png", "passwd.png"),
        ("..\\..\\windows\\win.ini", "win.ini"),
        ("/shop.sqlite", "shop.sqlite"),
        ("CON.png", "CON.png"),
        ("mug.png%00.php", "mug.png%00.php"),
        ("mug\u{202e}gnp.exe", "muggnp.exe"),
        ("\u{200b}mug\u{2066}.png", "mug.png"),
        (
            "<img src=x onerror=alert(1)>.png",
            "<img src=x onerror=alert(1)>.png",
        ),
        ("{{ 7 * 7 }}.png", "{{ 7 * 7 }}.png"),
        (long.as_str(), "aaaaaaaa"),
        (".htaccess", ".htaccess"),
    ];
    for (name, shown) in names {
        let body = with_files(&form, &[(name, b"no picture")]);
        let answer = uploads(&mut ines, &path, body).await;
        assert_eq!(answer.status, 422, "{name:?}");
        assert!(
            answer.words().contains(shown),
            "{name:?}: {}",
            answer.words()
        );
        let text = answer.text();
        assert!(
            !text.contains("<img src=x") && !text.contains('\u{202e}'),
            "{name:?}"
        );
        assert!(!text.contains(&"a".repeat(100)), "a name without end");
    }
    // No browser sends a line break or a NUL in a name: whoever does is told off, and nothing is kept.
    for name in ["mug\0.png", "mug\r\nX-Header: 1\r\n.png"] {
        let body = with_files(&form, &[(name, b"no picture")]);
        let answer = uploads(&mut ines, &path, body).await;
        assert!(
            (400..500).contains(&answer.status),
            "{name:?}: {}",
            answer.status
        );
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM media").await, 0);
}
