//! The template environment as its users see it: pages and mails rendered from themes on disk.

#[cfg(test)]
mod default_theme;
#[cfg(test)]
mod rendering;
