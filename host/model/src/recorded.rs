//! How what is recorded is read where serde's own way would lose something.

use serde::{Deserialize, Deserializer};

/// A field that is there is `Some`, also when it is null: a result that is null is not the same as no result.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}
