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

/// How long a list is. What is long is counted only so far: nobody turns ten thousand pages, and counting them costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "known", content = "count", rename_all = "snake_case")]
pub enum Total {
    /// This many.
    Exactly(u32),
    /// More than this many.
    MoreThan(u32),
}

impl Total {
    /// What is counted at most.
    pub const CAP: u32 = 1_000;

    /// What a count means that was stopped after one more than [`Self::CAP`].
    pub fn capped(counted: u32) -> Self {
        if counted > Self::CAP {
            Self::MoreThan(Self::CAP)
        } else {
            Self::Exactly(counted)
        }
    }

    /// The number, be it exact or the one that is surely passed.
    pub fn number(self) -> u32 {
        match self {
            Self::Exactly(number) | Self::MoreThan(number) => number,
        }
    }

    /// Whether there is nothing.
    pub fn is_none(self) -> bool {
        self == Self::Exactly(0)
    }
}

/// One page of a list that may be too long to be counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LongPage<T> {
    /// The items of this page, in the list's order.
    pub items: Vec<T>,
    /// Items in the whole list, as far as they were counted.
    pub total: Total,
    /// Whether more come after this page.
    pub has_next: bool,
    /// This page's number, from 1.
    pub number: u32,
    /// Items on a full page.
    pub size: u32,
}

impl<T> LongPage<T> {
    /// Puts a page together from one item more than it has room for, if there are that many.
    pub fn new(request: PageRequest, total: Total, mut items: Vec<T>) -> Self {
        let size = usize::try_from(request.size).unwrap_or(usize::MAX);
        let has_next = items.len() > size && request.number < PageRequest::MAX_NUMBER;
        items.truncate(size);
        Self {
            items,
            total,
            has_next,
            number: request.number,
            size: request.size,
        }
    }

    /// A page of nothing.
    pub fn empty(request: PageRequest) -> Self {
        Self::new(request, Total::Exactly(0), Vec::new())
    }

    /// Whether pages come before this one.
    pub fn has_previous(&self) -> bool {
        self.number > 1
    }

    /// How many pages there are, where the list was counted to its end; at least one, even of nothing.
    pub fn pages(&self) -> Option<u32> {
        match self.total {
            Total::Exactly(total) => Some(total.div_ceil(self.size.max(1)).max(1)),
            Total::MoreThan(_) => None,
        }
    }

    /// The same page with every item turned into another.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> LongPage<U> {
        LongPage {
            items: self.items.into_iter().map(f).collect(),
            total: self.total,
            has_next: self.has_next,
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

    #[test]
    fn a_long_list_is_counted_only_so_far() {
        let request = PageRequest::new(2, 2);
        let page = LongPage::new(request, Total::capped(5), vec![3, 4, 5]);
        assert_eq!((page.items.len(), page.has_next), (2, true));
        assert_eq!((page.pages(), page.has_previous()), (Some(3), true));
        let page = LongPage::new(request, Total::capped(1_001), vec![3]);
        assert_eq!((page.has_next, page.pages()), (false, None));
        assert_eq!(page.total, Total::MoreThan(1_000));
        assert_eq!(Total::capped(1_000), Total::Exactly(1_000));
        assert_eq!(LongPage::<u8>::empty(request).pages(), Some(1));
    }
}
