//! Open questions, kept beside the histories that ask and answer them.

use orgata_engine::ports::{Append, InboxQuery, Page, PendingIntervention, StoreError};
use orgata_model::execution::{Event, Fact, Summary};
use orgata_model::intervention::{Intervention, OnDeadline, Resolution};
use orgata_model::{ExecutionId, InterventionId, RoleName, RuntimeId};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqlitePool};

use crate::cursor::{List, Place};
use crate::executions::page;
use crate::failure::{broken, unavailable};
use crate::row::{Columns, Statement, Values, list_of};

const TABLE: &str = "interventions";

/// What the events of an append do to open questions, in their order.
pub(crate) fn changes(append: &Append) -> Result<Vec<Statement>, StoreError> {
    let mut changes = Vec::new();
    for event in &append.events {
        match &event.fact {
            Fact::InterventionRequired { intervention } => {
                changes.push(open(&append.summary, event, intervention)?);
            }
            Fact::InterventionApproved { intervention, .. } => {
                if let Some(approved) = event.answer() {
                    changes.push(approve(*intervention, &approved)?);
                }
            }
            Fact::InterventionResolved { intervention, .. }
            | Fact::InterventionWithdrawn { intervention, .. } => {
                changes.push(close(*intervention));
            }
            Fact::InterventionExpired { intervention, .. } => changes.extend(expire(*intervention)),
            fact if fact.closes_questions()
                // An execution that is new and asked nothing has nothing to close.
                && (append.seen > 0 || !changes.is_empty()) =>
            {
                changes.push(close_all(append.summary.id));
            }
            _ => {}
        }
    }
    Ok(changes)
}

fn open(summary: &Summary, event: &Event, asked: &Intervention) -> Result<Statement, StoreError> {
    let body = serde_json::to_string(asked).map_err(|error| broken(TABLE, asked.id, error))?;
    let escalate_to = match &asked.on_deadline {
        OnDeadline::Escalate(role) => Some(role.as_str()),
        OnDeadline::Fail | OnDeadline::Answer(_) => None,
    };
    Ok(Statement {
        sql: "INSERT OR REPLACE INTO interventions
              (id, execution, runtime, playbook, role, escalate_to, opened_at, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        values: Values::default()
            .with_id(asked.id.uuid())
            .with_id(summary.id.uuid())
            .with(summary.runtime.as_str())
            .with(summary.playbook.name.as_str())
            .with(asked.assignee_role.as_ref().map(|role| role.as_str()))
            .with(escalate_to)
            .with(event.at.as_microsecond())
            .with(body),
    })
}

/// One more of several who must approve: it stays open. Questions that were approved in part by a host that did not
/// write this down show fewer until they close; the execution's state has them all.
fn approve(id: InterventionId, approved: &Resolution) -> Result<Statement, StoreError> {
    let approved = serde_json::to_string(approved).map_err(|error| broken(TABLE, id, error))?;
    Ok(Statement {
        sql: "UPDATE interventions
              SET body = json_set(body, '$.approved', json_insert(coalesce(body -> '$.approved', '[]'), '$[#]', json(?)))
              WHERE id = ?",
        values: Values::default().with(approved).with_id(id.uuid()),
    })
}

fn close(id: InterventionId) -> Statement {
    Statement { sql: "DELETE FROM interventions WHERE id = ?", values: Values::default().with_id(id.uuid()) }
}

/// It closes, unless it passes to another role. It passes once: then it has no deadline to miss.
fn expire(id: InterventionId) -> [Statement; 2] {
    [
        Statement {
            sql: "DELETE FROM interventions WHERE id = ? AND escalate_to IS NULL",
            values: Values::default().with_id(id.uuid()),
        },
        Statement {
            sql: "UPDATE interventions SET role = escalate_to, escalate_to = NULL, escalated = 1
                  WHERE id = ? AND escalate_to IS NOT NULL",
            values: Values::default().with_id(id.uuid()),
        },
    ]
}

fn close_all(execution: ExecutionId) -> Statement {
    Statement {
        sql: "DELETE FROM interventions WHERE execution = ?",
        values: Values::default().with_id(execution.uuid()),
    }
}

/// A page of open questions, oldest first.
pub(crate) async fn inbox(
    readers: &SqlitePool,
    query: &InboxQuery,
) -> Result<Page<PendingIntervention>, StoreError> {
    let limit = query.limit.clamp(1, 1000);
    let rows =
        statement(query, limit)?.build().fetch_all(readers).await.map_err(|error| unavailable(&error))?;
    let mut items = Vec::with_capacity(rows.len().min(limit));
    for row in rows.iter().take(limit) {
        items.push(pending(row)?);
    }
    let next = items.last().filter(|_| rows.len() > limit).map(|last| {
        let id = last.intervention.id.uuid();
        Place { micros: last.opened_at.as_microsecond(), id }.write(List::Inbox)
    });
    Ok(Page { items, next })
}

fn statement(query: &InboxQuery, limit: usize) -> Result<QueryBuilder<Sqlite>, StoreError> {
    let after = query.cursor.as_deref().map(|text| Place::read(List::Inbox, text)).transpose()?;
    let mut sql = QueryBuilder::new("SELECT * FROM interventions WHERE true");
    if let Some(id) = query.intervention {
        sql.push(" AND id = ").push_bind(id.uuid().into_bytes().to_vec());
    }
    if let Some(id) = query.execution {
        sql.push(" AND execution = ").push_bind(id.uuid().into_bytes().to_vec());
    }
    if let Some(runtime) = &query.runtime {
        sql.push(" AND runtime = ").push_bind(runtime.as_str().to_owned());
    }
    if let Some(runtimes) = &query.runtimes {
        sql.push(" AND runtime IN ");
        list_of(&mut sql, runtimes.iter().map(RuntimeId::as_str));
    }
    if let Some(roles) = &query.roles {
        sql.push(" AND (role IS NULL OR role IN ");
        list_of(&mut sql, roles.iter().map(RoleName::as_str)).push(")");
    }
    if let Some(role) = &query.role {
        sql.push(" AND role = ").push_bind(role.as_str().to_owned());
    }
    if let Some(place) = after {
        sql.push(" AND (opened_at, id) > (").push_bind(place.micros);
        sql.push(", ").push_bind(place.id.into_bytes().to_vec()).push(")");
    }
    sql.push(" ORDER BY opened_at, id LIMIT ").push_bind(page(limit.saturating_add(1)));
    Ok(sql)
}

fn pending(row: &SqliteRow) -> Result<PendingIntervention, StoreError> {
    let (columns, _) = Columns::by_id(row, TABLE, InterventionId::new)?;
    let mut intervention: Intervention = columns.json("body")?;
    if columns.get::<bool>("escalated")? {
        // What `model::execution::State` makes of it, so that both show the same question.
        intervention.assignee_role = Some(columns.word("role")?);
        intervention.deadline = None;
        intervention.on_deadline = OnDeadline::default();
    }
    Ok(PendingIntervention {
        execution: ExecutionId::new(columns.id("execution")?),
        runtime: columns.word("runtime")?,
        playbook: columns.word("playbook")?,
        opened_at: columns.time("opened_at")?,
        intervention,
    })
}
