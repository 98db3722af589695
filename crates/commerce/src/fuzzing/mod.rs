//! What must hold of any bytes that reach the shop: for fuzzing, and for the tests that replay what it found.

mod texts;
mod typed;

use std::collections::BTreeSet;

use image::ImageFormat;
use kernel::Timestamp;

use crate::accounts::{seal, second_factor};
use crate::media::{ContentHash, limits, prepare};

/// A function that panics on bytes that break a promise.
pub type Target = fn(&[u8]);

/// Every target with the name of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("addresses", typed::addresses),
    ("descriptions", texts::descriptions),
    ("iban", typed::iban),
    ("ids", typed::ids),
    ("money", typed::money),
    ("pictures", pictures),
    ("search", texts::search),
    ("sealed_steps", sealed_steps),
    ("second_factor", second_factor_codes),
    ("short_texts", typed::short_texts),
    ("word_lists", texts::word_lists),
];

pub use texts::{descriptions, query_words, search, word_lists};
pub use typed::{addresses, iban, ids, money, short_texts};

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// A picture is refused, or comes out as WebP files of the widths it has, of bounded size, always the same.
pub fn pictures(bytes: &[u8]) {
    let Ok(prepared) = prepare::prepare(bytes) else {
        return;
    };
    assert!(prepared.width > 0 && prepared.width <= limits::SIDE);
    assert!(prepared.height > 0 && prepared.height <= limits::SIDE);
    assert!(u64::from(prepared.width) * u64::from(prepared.height) <= limits::PIXELS);
    let widths: BTreeSet<u32> = prepared.files.iter().map(|(width, _)| *width).collect();
    assert_eq!(widths.len(), prepared.files.len(), "a width twice");
    for (width, file) in &prepared.files {
        assert_eq!(image::guess_format(file).ok(), Some(ImageFormat::WebP));
        let size = prepare::size_of_webp(file);
        assert_eq!(size.map(|(real, _)| real).ok(), Some(*width));
        assert!(*width <= prepared.width);
        assert!(
            ContentHash::of(file) != ContentHash::of(bytes),
            "what was sent was kept"
        );
        for part in [&b"EXIF"[..], b"XMP ", b"ICCP", b"ANIM"] {
            assert!(
                !file
                    .windows(8)
                    .any(|bytes| bytes.starts_with(part) && bytes.ends_with(&[0, 0]))
            );
        }
    }
}

/// What a browser brings back was sealed here, for this step.
pub fn sealed_steps(bytes: &[u8]) {
    const KEY: [u8; 32] = [9; 32];
    let Some(text) = text(bytes) else { return };
    if let Some(envelope) = seal::read(&KEY, "enrolment", text) {
        assert_eq!(seal::written(&KEY, "enrolment", &envelope), text);
    }
    let sealed = seal::written(&KEY, "enrolment", bytes);
    assert_eq!(
        seal::read(&KEY, "enrolment", &sealed).as_deref(),
        Some(bytes)
    );
    assert_eq!(seal::read(&KEY, "another", &sealed), None);
    assert_eq!(seal::read(&[8; 32], "enrolment", &sealed), None);
}

/// A code is six digits of this very minute, however it is typed; a recovery code has one plain form.
pub fn second_factor_codes(bytes: &[u8]) {
    let Some(typed) = text(bytes) else { return };
    let plain = second_factor::plain(typed);
    assert!(plain.chars().count() <= 64);
    assert_eq!(
        second_factor::plain(&plain),
        plain,
        "a plain form that is not plain"
    );
    let now = Timestamp::from_millis(1_780_000_000_000);
    let step = second_factor::matching_step(&[7; 20], now, typed);
    let step = step.ok().flatten();
    let this = now.millis() / 30_000;
    assert!(step.is_none_or(|step| (this - 1..=this + 1).contains(&step)));
    assert!(step.is_none() || (plain.len() == 6 && plain.bytes().all(|b| b.is_ascii_digit())));
}
