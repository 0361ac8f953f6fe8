//! Choices that proptest can shrink: a row of bytes, each of which decides one thing.

/// What is left of the row. When it is used up, everything is the first choice.
pub(crate) struct Dice<'d> {
    bytes: &'d [u8],
}

impl<'d> Dice<'d> {
    pub(crate) fn of(bytes: &'d [u8]) -> Self {
        Self { bytes }
    }

    pub(crate) fn is_used_up(&self) -> bool {
        self.bytes.is_empty()
    }

    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        let Some((byte, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        usize::from(*byte) % sides.max(1)
    }

    /// Whether it happens, once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.roll(times) + 1 == times
    }

    pub(crate) fn pick<'l, T>(&mut self, list: &'l [T]) -> Option<&'l T> {
        list.get(self.roll(list.len()))
    }
}
