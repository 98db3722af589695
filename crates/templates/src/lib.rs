//! The one template environment: loader, escaping, filters for money, dates and words.
