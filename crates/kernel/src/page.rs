//! Lists come in pages, always with a limit.

use serde::Serialize;

/// Which page of a list, and how long a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    number: u32,
    size: u32,
}

impl PageRequest {
    /// The longest page there is.
    pub const MAX_SIZE: u32 = 100;
    /// The last page that can be asked for: beyond it a list is better narrowed by a search.
    pub const MAX_NUMBER: u32 = 1_000;

    /// Page `number`, counted from 1, of `size` items; both are brought into range.
    pub fn new(number: u32, size: u32) -> Self {
        Self {
            number: number.clamp(1, Self::MAX_NUMBER),
            size: size.clamp(1, Self::MAX_SIZE),
        }
    }

    /// The page's number, from 1.
    pub fn number(self) -> u32 {
        self.number
    }

    /// Items on a page.
    pub fn size(self) -> u32 {
        self.size
    }

    /// Items before this page.
    pub fn offset(self) -> u32 {
        self.number.saturating_sub(1).saturating_mul(self.size)
    }
}

/// One page of a list and how long the whole list is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The items of this page, in the list's order.
    pub items: Vec<T>,
    /// Items in the whole list.
    pub total: u32,
    /// This page's number, from 1.
    pub number: u32,
    /// Items on a full page.
    pub size: u32,
}

impl<T> Page<T> {
    /// Puts a page together.
    pub fn new(request: PageRequest, total: u32, items: Vec<T>) -> Self {
        Self {
            items,
            total,
            number: request.number,
            size: request.size,
        }
    }

    /// How many pages there are; at least one, even of nothing.
    pub fn pages(&self) -> u32 {
        self.total.div_ceil(self.size.max(1)).max(1)
    }

    /// The same page with every item turned into another.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(f).collect(),
            total: self.total,
            number: self.number,
            size: self.size,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_brought_into_range() {
        assert_eq!(PageRequest::new(0, 0), PageRequest::new(1, 1));
        assert_eq!(PageRequest::new(u32::MAX, u32::MAX).offset(), 99_900);
        assert_eq!(
            Page::<u8>::new(PageRequest::new(1, 24), 61, vec![]).pages(),
            3
        );
        assert_eq!(
            Page::<u8>::new(PageRequest::new(1, 24), 0, vec![]).pages(),
            1
        );
    }
}
