//! The whole application over HTTP: one file per address, with everything that is refused there.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod fuzzing;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod page;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod storefront;
#[cfg(test)]
mod structure;
#[cfg(test)]
#[path = "../../src/test_page.rs"]
mod test_page;
#[cfg(test)]
mod threats;
