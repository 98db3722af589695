//! Journeys through the real shop in headless Chromium. The tests are in `tests/`.
