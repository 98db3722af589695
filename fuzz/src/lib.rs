//! Runs a target of `vitrine::fuzzing` by its name.

use std::sync::OnceLock;

/// Gives the bytes to this target.
pub fn run(name: &str, bytes: &[u8]) {
    static TARGET: OnceLock<vitrine::fuzzing::Target> = OnceLock::new();
    let target = TARGET.get_or_init(|| {
        let all = vitrine::fuzzing::targets();
        let found = all.into_iter().find(|(known, _)| *known == name);
        found.expect("a target of this name").1
    });
    target(bytes);
}
