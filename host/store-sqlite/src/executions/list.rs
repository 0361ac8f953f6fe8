//! The list of executions, newest first, filtered and paged.
//!
//! Every filter that a million finished executions would make slow has an index that is already in the list's
//! order, so a page is read from where the last one ended and nothing is sorted but a page for each status.

use orgata_engine::ports::{ExecutionQuery, Page, StoreError};
use orgata_model::execution::{Status, Summary};
use sqlx::{QueryBuilder, Sqlite, SqlitePool};

use super::read::{page, stored};
use crate::cursor::{List, Place};
use crate::failure::unavailable;

/// A page of executions.
pub(crate) async fn list(readers: &SqlitePool, query: &ExecutionQuery) -> Result<Page<Summary>, StoreError> {
    let limit = query.limit.clamp(1, 1000);
    let rows = statement(query, limit)?
        .build()
        .fetch_all(readers)
        .await
        .map_err(|error| unavailable(&error))?;
    let mut items = Vec::with_capacity(rows.len().min(limit));
    for row in rows.iter().take(limit) {
        items.push(stored(row)?.summary);
    }
    let next = items.last().filter(|_| rows.len() > limit).map(|last| {
        Place {
            micros: last.started_at.as_microsecond(),
            id: last.id.uuid(),
        }
        .write(List::Executions)
    });
    Ok(Page { items, next })
}

/// Asks for one more than the page holds, to know whether there is another.
pub(super) fn statement(query: &ExecutionQuery, limit: usize) -> Result<QueryBuilder<Sqlite>, StoreError> {
    let after = query
        .cursor
        .as_deref()
        .map(|text| Place::read(List::Executions, text))
        .transpose()?;
    let limit = page(limit.saturating_add(1));
    let mut sql = QueryBuilder::new("WITH page (id) AS (");
    match query.statuses.as_slice() {
        [] => keys(&mut sql, query, None, after, limit),
        statuses => {
            for (at, status) in statuses.iter().enumerate() {
                if statuses.iter().take(at).any(|earlier| earlier == status) {
                    continue;
                }
                if at > 0 {
                    sql.push(" UNION ALL ");
                }
                keys(&mut sql, query, Some(*status), after, limit);
            }
        }
    }
    sql.push(
        ") SELECT executions.*, plugins FROM page CROSS JOIN executions ON executions.id = page.id
         LEFT JOIN plugin_sets ON digest = plugin_set ORDER BY started_at DESC, executions.id DESC LIMIT ",
    );
    sql.push_bind(limit);
    Ok(sql)
}

/// The keys of a page of one status, or of all.
fn keys(
    sql: &mut QueryBuilder<Sqlite>,
    query: &ExecutionQuery,
    status: Option<Status>,
    after: Option<Place>,
    limit: i64,
) {
    sql.push("SELECT id FROM (SELECT executions.id AS id FROM ");
    let (at, id) = match &query.label {
        Some((name, value)) => {
            sql.push("execution_labels AS label CROSS JOIN executions ON executions.id = label.execution");
            sql.push(" WHERE label.name = ").push_bind(name.clone());
            sql.push(" AND label.value = ").push_bind(value.clone());
            ("label.started_at", "label.execution")
        }
        None => {
            // Named, so that no statistics and no newer planner can choose one that is not in the list's order.
            let index = match (status, &query.playbook, &query.runtime) {
                (Some(status), _, _) if status != Status::Succeeded => "executions_by_status",
                (_, Some(_), _) => "executions_by_playbook",
                (_, None, Some(_)) => "executions_by_runtime",
                (_, None, None) => "executions_by_start",
            };
            sql.push("executions INDEXED BY ").push(index).push(" WHERE true");
            ("executions.started_at", "executions.id")
        }
    };
    if let Some(status) = status {
        sql.push(" AND status = ").push_bind(status.as_str());
        if status != Status::Succeeded {
            // What the partial index asks for: the planner does not look into a bound value.
            sql.push(" AND status <> 'succeeded'");
        }
    }
    if let Some(runtime) = &query.runtime {
        sql.push(" AND runtime = ").push_bind(runtime.as_str().to_owned());
    }
    if let Some(playbook) = &query.playbook {
        sql.push(" AND playbook = ")
            .push_bind(playbook.as_str().to_owned());
    }
    if let Some(since) = query.since {
        sql.push(format_args!(" AND {at} >= "))
            .push_bind(since.as_microsecond());
    }
    if let Some(until) = query.until {
        sql.push(format_args!(" AND {at} < "))
            .push_bind(until.as_microsecond());
    }
    if let Some(place) = after {
        sql.push(format_args!(" AND ({at}, {id}) < ("))
            .push_bind(place.micros);
        sql.push(", ").push_bind(place.id.into_bytes().to_vec()).push(")");
    }
    sql.push(format_args!(" ORDER BY {at} DESC, {id} DESC LIMIT "))
        .push_bind(limit)
        .push(")");
}
