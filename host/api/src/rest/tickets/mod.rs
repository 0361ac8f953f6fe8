//! Tickets: `/api/v1/tickets`.

pub(super) mod take;
