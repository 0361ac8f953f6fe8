//! Some of a list, and how to get on.

use orgata_engine::ports::Page;
use serde::Serialize;
use utoipa::ToSchema;

/// Some of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageView<T> {
    /// In the order of the list.
    pub items: Vec<T>,
    /// Present when there is more: give it back as `cursor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl<T> PageView<T> {
    /// A page of the engine's, item by item.
    pub fn of<'p, S>(page: &'p Page<S>) -> Self
    where
        T: From<&'p S>,
    {
        Self { items: page.items.iter().map(T::from).collect(), next_cursor: page.next.clone() }
    }

    /// A list that fits on one page.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }
}
