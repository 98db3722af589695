//! Sentences that are made here and not in a template.

pub(crate) use templates::Say;

#[cfg(test)]
pub(crate) fn english() -> Say {
    use templates::{Settings, Templates, Voice};
    let templates = Templates::load(Settings::strict()).unwrap();
    Say::new(templates.words(&Voice::neutral()).unwrap())
}
