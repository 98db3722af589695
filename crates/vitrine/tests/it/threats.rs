//! What people do to shops who mean no good. The list of it all, with what stops each, is `docs/SECURITY.md`.

mod answers;
mod clocks;
mod crawl;
mod other_sites;
mod others_things;
mod overload;
mod questions;
mod secrets;
mod table;
mod typed_texts;
mod unknown_fields;
