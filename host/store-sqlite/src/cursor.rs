//! The place in a list where the next page begins, as opaque text.
//!
//! A list is ordered by a time and an id, so a place in it stays a place whatever is added before or after.

use orgata_engine::ports::StoreError;
use uuid::Uuid;

/// Which list a cursor belongs to: one list's cursor means nothing to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    Executions,
    Inbox,
}

impl List {
    const fn letter(self) -> char {
        match self {
            Self::Executions => 'e',
            Self::Inbox => 'i',
        }
    }
}

/// The last item of a page: its time in microseconds, and its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) micros: i64,
    pub(crate) id: Uuid,
}

impl Place {
    /// A letter, 16 hex digits of time, 32 of the id.
    pub(crate) fn write(self, list: List) -> String {
        format!("{}{:016x}{}", list.letter(), self.micros, self.id.simple())
    }

    pub(crate) fn read(list: List, text: &str) -> Result<Self, StoreError> {
        Self::parse(list, text).ok_or(StoreError::Cursor)
    }

    fn parse(list: List, text: &str) -> Option<Self> {
        let hex = text.strip_prefix(list.letter())?;
        // Stricter than the parsers below, which would take a sign or capital letters.
        let own = hex.len() == 48 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let (micros, id) = own.then(|| hex.split_at(16))?;
        Some(Self {
            micros: u64::from_str_radix(micros, 16).ok()?.cast_signed(),
            id: Uuid::try_parse(id).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_being_written_and_read() {
        for micros in [i64::MIN, -1, 0, 1, 1_800_000_000_000_000, i64::MAX] {
            let place = Place { micros, id: Uuid::from_u128(0x0192_f3a0) };
            assert!(matches!(Place::read(List::Inbox, &place.write(List::Inbox)), Ok(read) if read == place));
        }
    }

    #[test]
    fn a_foreign_cursor_is_refused() {
        let place = Place { micros: 7, id: Uuid::nil() };
        let long = format!("{}0", place.write(List::Inbox));
        let capital = place.write(List::Inbox).replace('7', "A");
        for text in ["", "i", "x", &place.write(List::Executions), &long, &capital, "i+000000000000007", "ü"]
        {
            assert!(matches!(Place::read(List::Inbox, text), Err(StoreError::Cursor)), "{text:?}");
        }
    }
}
