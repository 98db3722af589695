//! Renders every page from its samples, in every locale: the test of the default theme, and `vitrine theme check`.

use minijinja::Value;
use minijinja::value::{Serde, merge_maps};
use serde::Serialize;

use crate::engine::{RenderError, Templates, Voice};
use crate::page::Samples;

/// One thing that is wrong with a theme.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file, or the template with sample and locale.
    pub place: String,
    /// The line, if it has one.
    pub line: Option<usize>,
    /// What is wrong and what to do.
    pub text: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.place, self.text),
            None => write!(f, "{}: {}", self.place, self.text),
        }
    }
}

/// The frames pages are checked in, by name: what every page receives.
#[derive(Debug, Default)]
pub struct Frames(Vec<(&'static str, Value)>);

impl Frames {
    /// No frames yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more.
    #[must_use]
    pub fn with(mut self, name: &'static str, frame: &impl Serialize) -> Self {
        self.0.push((name, Value::from(Serde(frame))));
        self
    }
}

impl Templates {
    /// Renders every sample in every frame and locale, and returns what failed. Says more in strict mode.
    pub fn check(&self, samples: &[Samples], frames: &Frames) -> Result<Vec<Fault>, RenderError> {
        let engine = self.engine()?;
        let mut faults = Vec::new();
        for locale in engine.locales() {
            let voice = Voice::new(locale, "Europe/Amsterdam")?;
            let tries = samples.iter().flat_map(|page| page.in_frames(frames));
            faults.extend(tries.filter_map(|(template, sample, frame, context)| {
                let error = engine.render(&voice, template, &context).err()?;
                let place = format!("{template} (sample {sample}, frame {frame}, locale {locale})");
                Some(Fault {
                    place,
                    line: None,
                    text: error.to_string(),
                })
            }));
        }
        Ok(faults)
    }
}

impl Samples {
    /// Every combination of template, sample and frame: the template, both names, and the context.
    fn in_frames<'a>(
        &'a self,
        frames: &'a Frames,
    ) -> impl Iterator<Item = (&'a str, &'static str, &'static str, Value)> {
        self.contexts.iter().flat_map(move |(sample, context)| {
            frames.0.iter().flat_map(move |(frame_name, frame)| {
                let context = merge_maps([frame.clone(), context.clone()]);
                self.templates
                    .iter()
                    .map(move |template| (template.as_str(), *sample, *frame_name, context.clone()))
            })
        })
    }
}
