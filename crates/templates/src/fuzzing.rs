//! What must hold of any file of a merchant's theme: for fuzzing, and for the tests that replay what it found.

use std::sync::LazyLock;

use crate::engine::{Engine, Voice};
use crate::lint::{keys, lint_template};
use crate::theme::Theme;
use crate::words::Words;

/// A function that panics on bytes that break a promise.
pub type Target = fn(&[u8]);

/// Every target with the name of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("locale_files", locale_files),
    ("template_sources", template_sources),
];

/// The most a template may write here: far beyond what its fuel is enough for.
const MOST: usize = 64 << 20;

/// A template is drawn or refused, within its fuel; reading it for its rules never goes beyond its last line.
pub fn template_sources(bytes: &[u8]) {
    static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
        Engine::load(&Theme::built_in(), false).expect("the default theme is right")
    });
    let Ok(source) = std::str::from_utf8(bytes) else {
        return;
    };
    let lines = source.matches('\n').count().saturating_add(1);
    let mut faults = Vec::new();
    lint_template("pages/theirs.html", source, &mut faults);
    assert!(
        faults
            .iter()
            .all(|fault| fault.line.is_none_or(|line| (1..=lines).contains(&line)))
    );
    assert!(
        keys::asked(source)
            .iter()
            .all(|asked| (1..=lines).contains(&asked.line))
    );
    // The loop over numbers that only cost time is for the fuel, not for the fuzzer.
    let environment = ENGINE
        .environment(&Voice::neutral())
        .expect("the default theme is right");
    let context = minijinja::context! { name => "<b>Nele</b>", list => [1, 2, 3] };
    if let Ok(page) = environment.render_named_str("pages/theirs.html", source, context) {
        assert!(page.len() <= MOST, "a page of {} bytes", page.len());
    }
}

/// A file of texts is understood or refused; what it says with every argument given has no braces of its own left.
pub fn locale_files(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let file = ("locales/theirs.en.json".to_owned(), text.to_owned());
    let Ok(all) = Words::of_layer(vec![file]) else {
        return;
    };
    for words in all.values() {
        for key in words.keys() {
            let raw = words.raw(key).expect("a key that is listed has a text");
            let given = Words::arguments(raw)
                .into_iter()
                .map(|name| (name.to_owned(), "x".to_owned()))
                .collect();
            let said = words
                .say(key, None, &given)
                .expect("every argument was given");
            assert!(said.len() <= raw.len().saturating_mul(2));
        }
    }
}
