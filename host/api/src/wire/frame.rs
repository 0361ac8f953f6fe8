//! What goes over a WebSocket, and in an SSE stream.

use orgata_model::execution::{Event, Seq};
use orgata_model::{Digest, ExecutionId, PluginName, RuntimeId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::ErrorView;
use super::event::EventView;

/// What a client may send.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum ClientFrame {
    /// Follow an execution: its events with `fromSeq` and later, then those to come.
    #[serde(rename_all = "camelCase")]
    SubscribeExecution {
        /// Which.
        #[schema(value_type = String)]
        execution_id: ExecutionId,
        /// 0 or 1 for all. Absent: only what is to come.
        #[schema(value_type = Option<u64>)]
        from_seq: Option<Seq>,
    },
    /// No longer follow it.
    #[serde(rename_all = "camelCase")]
    UnsubscribeExecution {
        /// Which.
        #[schema(value_type = String)]
        execution_id: ExecutionId,
    },
    /// Follow everything that happens in a runtime from now on.
    #[serde(rename_all = "camelCase")]
    SubscribeRuntime {
        /// Which.
        #[schema(value_type = String)]
        runtime_id: RuntimeId,
    },
    /// No longer follow it.
    #[serde(rename_all = "camelCase")]
    UnsubscribeRuntime {
        /// Which.
        #[schema(value_type = String)]
        runtime_id: RuntimeId,
    },
    /// See whether the host is there.
    Ping {
        /// Comes back in the `pong`.
        id: Option<String>,
    },
}

/// What the host sends.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum ServerFrame<'a> {
    /// Something happened in an execution that is followed.
    #[serde(rename_all = "camelCase")]
    ExecutionEvent {
        /// Which.
        #[schema(value_type = String)]
        execution_id: ExecutionId,
        /// The event's place in its history.
        #[schema(value_type = u64)]
        seq: Seq,
        /// What happened.
        event: EventView<'a>,
    },
    /// Something happened in a runtime that is followed.
    #[serde(rename_all = "camelCase")]
    RuntimeEvent {
        /// Which.
        #[schema(value_type = String)]
        runtime_id: &'a RuntimeId,
        /// The execution that it happened to; absent when it happened to a plugin.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>)]
        execution_id: Option<ExecutionId>,
        /// The event's place in that execution's history.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<u64>)]
        seq: Option<Seq>,
        /// What happened.
        event: RuntimeEventView<'a>,
    },
    /// The subscription stands.
    #[serde(rename_all = "camelCase")]
    Subscribed {
        /// What is followed.
        #[serde(flatten)]
        topic: TopicView<'a>,
        /// The first event that will come.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<u64>)]
        from_seq: Option<Seq>,
    },
    /// The subscription is over.
    Unsubscribed {
        /// What was followed.
        #[serde(flatten)]
        topic: TopicView<'a>,
        /// Why.
        reason: Unsubscribed,
    },
    /// The client was too slow: some events of the runtime were not sent to it.
    #[serde(rename_all = "camelCase")]
    Lagged {
        /// Which.
        #[schema(value_type = String)]
        runtime_id: &'a RuntimeId,
        /// How many things of the whole host, at most, it did not hear of. `GET /executions` tells which
        /// executions changed, and each one's history has everything.
        missed: u64,
    },
    /// Something that the client sent cannot be done. The connection stays, unless this happens often.
    Error {
        /// What was to be followed, if it was that.
        #[serde(flatten)]
        topic: Option<TopicView<'a>>,
        /// What is wrong.
        error: ErrorView<'a>,
    },
    /// The answer to a `ping`.
    Pong {
        /// What came with it.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
    },
}

/// What a subscription follows.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum TopicView<'a> {
    /// An execution.
    #[serde(rename_all = "camelCase")]
    Execution {
        /// Which.
        #[schema(value_type = String)]
        execution_id: ExecutionId,
    },
    /// A runtime.
    #[serde(rename_all = "camelCase")]
    Runtime {
        /// Which.
        #[schema(value_type = String)]
        runtime_id: &'a RuntimeId,
    },
}

/// Why a subscription is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unsubscribed {
    /// The client said so.
    Requested,
    /// The execution's last event was sent, or the runtime was retired.
    Ended,
    /// The host could not read on; an `error` frame says why.
    Failed,
}

/// Something that happened in a runtime.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum RuntimeEventView<'a> {
    /// To one of its executions.
    Execution(EventView<'a>),
    /// To a plugin that it offers.
    Plugin(PluginEventView<'a>),
}

/// Something that happened to a plugin.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PluginEventView<'a> {
    /// New executions start on this version.
    PluginLoaded {
        /// Which plugin.
        #[schema(value_type = String)]
        plugin: &'a PluginName,
        /// Its own version text.
        version: &'a str,
        /// The digest of its file.
        #[schema(value_type = String)]
        digest: Digest,
    },
    /// Nothing new starts on this version.
    PluginRetired {
        /// Which plugin.
        #[schema(value_type = String)]
        plugin: &'a PluginName,
        /// Its own version text.
        version: &'a str,
        /// The digest of its file.
        #[schema(value_type = String)]
        digest: Digest,
    },
    /// A file could not be loaded; what was current stays.
    PluginRefused {
        /// The file's name, or who uploaded it.
        source: &'a str,
        /// A stable word.
        code: &'a str,
        /// What is wrong.
        message: &'a str,
        /// What to do.
        hint: &'a str,
    },
}

impl<'a> ServerFrame<'a> {
    /// The frame of an execution's event.
    pub fn event(execution: ExecutionId, event: &'a Event) -> Self {
        Self::ExecutionEvent { execution_id: execution, seq: event.seq, event: event.into() }
    }

    /// As text. Nothing in a frame can fail to be written.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
