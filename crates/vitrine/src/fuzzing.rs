//! What must hold of any bytes from outside, for each place they come in by. `fuzz/` feeds these functions; a test replays
//! every file of their corpora.

pub use crate::commands::backup::backup_lists;
pub use crate::config::config_files;

/// A function that panics on bytes that break a promise.
pub type Target = fn(&[u8]);

/// Every target of every crate, with the name of its corpus.
pub fn targets() -> Vec<(&'static str, Target)> {
    let own: &[(&str, Target)] = &[
        ("backup_lists", backup_lists),
        ("config_files", config_files),
    ];
    let all = [
        own,
        admin::fuzzing::TARGETS,
        commerce::fuzzing::TARGETS,
        providers::fuzzing::TARGETS,
        storefront::fuzzing::TARGETS,
        templates::fuzzing::TARGETS,
        web::fuzzing::TARGETS,
    ];
    all.concat()
}
