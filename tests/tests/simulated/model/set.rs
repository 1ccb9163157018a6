//! A searchable set: tail, segments, manifest.

/// Some of a set's items, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Items(pub u8);

impl Items {
    pub const NONE: Self = Self(0);

    pub fn of(item: usize) -> Self {
        Self(1 << item)
    }

    pub fn has(self, item: usize) -> bool {
        self.0 & (1 << item) != 0
    }

    pub fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    pub fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    pub fn first(self) -> Option<usize> {
        (self.0 != 0).then(|| self.0.trailing_zeros() as usize)
    }
}

/// Segments by what they contain, one bit for each possible content: a segment's name is the hash
/// of its content, so that writing it twice makes one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Listing(pub u16);

impl Listing {
    pub fn of(content: Items) -> Self {
        Self(1 << content.0)
    }

    pub fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    pub fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    pub fn is_within(self, others: Self) -> bool {
        self.without(others) == Self::default()
    }

    /// Everything that these segments contain.
    pub fn items(self) -> Items {
        let contents = (0..16).filter(|content| self.0 & (1 << content) != 0);
        contents.fold(Items::NONE, |items, content| items.and(Items(content)))
    }
}

/// The stored parts of a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Set {
    pub tail: Items,
    pub manifest: Listing,
    /// Segments that lie in S3, listed or not.
    pub stored: Listing,
}
