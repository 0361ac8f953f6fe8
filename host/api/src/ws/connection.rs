//! One connection: what the client wants, and whether it is still there.

use std::time::{Duration, Instant};

use axum::extract::ws::{CloseCode, CloseFrame, Message, WebSocket, close_code};
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use orgata_engine::Principal;
use orgata_model::execution::Seq;
use orgata_model::{ExecutionId, RuntimeId};
use tokio::time::MissedTickBehavior;
use tracing::debug;

use super::execution;
use super::outbox::{Gone, Outbox, write};
use super::runtime::Follower;
use super::subscriptions::{Subscriptions, Topic};
use crate::app::App;
use crate::error::ApiError;
use crate::rate::Counted;
use crate::wire::frame::{ClientFrame, ServerFrame, Unsubscribed};

/// What a connection is closed with whose caller is no longer who it was: its key or token was revoked, or has expired.
/// As 401 is over HTTP; of the numbers that applications may use (RFC 6455, 7.4.2).
const UNAUTHENTICATED: CloseCode = 4401;
/// How long the client may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// A connection that is about to speak WebSocket.
pub(super) struct Connection {
    pub(super) app: App,
    pub(super) principal: Principal,
    /// With whom its frames are counted, if they are.
    pub(super) counted: Option<Counted>,
    /// The id of the request that it was.
    pub(super) request_id: String,
}

/// A connection that speaks it.
struct Conversation {
    app: App,
    principal: Principal,
    counted: Option<Counted>,
    request_id: String,
    outbox: Outbox,
    subscriptions: Subscriptions,
    /// Frames that could not be understood, or came too often.
    errors: usize,
}

/// Why a conversation is over.
enum End {
    /// The client left, or cannot be reached.
    Gone,
    /// The host closes it.
    Close(CloseCode, &'static str),
}

impl From<Gone> for End {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl Connection {
    /// Speaks with the client until one of both has enough.
    pub(super) async fn run(self, socket: WebSocket) {
        let settings = &self.app.settings().web_socket;
        let (sink, mut stream) = socket.split();
        let (outbox, queue) = Outbox::new(settings.send_buffer);
        let mut writer = tokio::spawn(write(sink, queue, settings.silence.0));
        metrics::gauge!("orgata_ws_connections").increment(1);
        let (engine, principal) = (self.app.engine().clone(), self.principal.clone());
        let mut conversation = Conversation {
            outbox: outbox.clone(),
            subscriptions: Subscriptions::new(settings.subscriptions),
            errors: 0,
            app: self.app.clone(),
            principal: self.principal,
            counted: self.counted,
            request_id: self.request_id,
        };
        // Not a part of the conversation: that one waits for clients that do not read.
        let end = tokio::select! {
            biased;
            lapse = engine.lapse(&principal) => End::Close(UNAUTHENTICATED, lapse.words()),
            Err(end) = conversation.hold(&mut stream) => end,
        };
        drop(conversation);
        metrics::gauge!("orgata_ws_connections").decrement(1);
        if let End::Close(code, reason) = end {
            debug!(code, reason, "closing a WebSocket");
            let goodbye = async {
                outbox.close(CloseFrame { code, reason: reason.into() }).await;
                let _ = (&mut writer).await;
                while let Some(Ok(_)) = stream.next().await {}
            };
            let _ = tokio::time::timeout(GOODBYE, goodbye).await;
        }
        writer.abort();
    }
}

impl Conversation {
    async fn hold(&mut self, stream: &mut SplitStream<WebSocket>) -> Result<std::convert::Infallible, End> {
        let settings = self.app.settings().web_socket.clone();
        let closing = self.app.closing().clone();
        let mut ping = tokio::time::interval(settings.ping_every.0);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            let message = tokio::select! {
                message = stream.next() => message,
                _ = ping.tick() => {
                    if heard.elapsed() > settings.silence.0 {
                        return Err(End::Close(close_code::POLICY, "the client is silent"));
                    }
                    self.outbox.ping();
                    continue;
                }
                () = closing.cancelled() => return Err(End::Close(close_code::AWAY, "the host is stopping")),
                () = self.outbox.gone() => return Err(End::Gone),
            };
            heard = Instant::now();
            match message {
                Some(Ok(Message::Text(text))) => self.hear(&text).await?,
                Some(Ok(Message::Binary(_))) => {
                    self.misunderstand("frames are JSON texts, not bytes".to_owned()).await?
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => drop(self.admits().await?),
                Some(Ok(Message::Close(_))) | None => return Err(End::Gone),
                Some(Err(error)) => {
                    debug!(%error, "a WebSocket broke off");
                    return Err(End::Close(close_code::SIZE, "a frame is too large or broken"));
                }
            }
        }
    }

    async fn hear(&mut self, text: &str) -> Result<(), End> {
        if !self.admits().await? {
            return Ok(());
        }
        let frame = match serde_json::from_str::<ClientFrame>(text) {
            Ok(frame) => frame,
            Err(error) => {
                return self.misunderstand(format!("the frame cannot be understood: {error}")).await;
            }
        };
        match frame {
            ClientFrame::SubscribeExecution { execution_id, from_seq } => {
                let topic = Topic::Execution(execution_id);
                match self.subscribe_execution(execution_id, from_seq).await {
                    Ok(done) => Ok(done?),
                    Err(error) => {
                        Ok(self.outbox.refuse(&error, Some(topic.view()), &self.request_id).await?)
                    }
                }
            }
            ClientFrame::SubscribeRuntime { runtime_id } => {
                let topic = Topic::Runtime(runtime_id.clone());
                match self.subscribe_runtime(runtime_id).await {
                    Ok(done) => Ok(done?),
                    Err(error) => {
                        Ok(self.outbox.refuse(&error, Some(topic.view()), &self.request_id).await?)
                    }
                }
            }
            ClientFrame::UnsubscribeExecution { execution_id } => {
                self.unsubscribe(Topic::Execution(execution_id)).await
            }
            ClientFrame::UnsubscribeRuntime { runtime_id } => {
                self.unsubscribe(Topic::Runtime(runtime_id)).await
            }
            ClientFrame::Ping { id } => {
                Ok(self.outbox.send(&ServerFrame::Pong { id: id.as_deref() }).await?)
            }
        }
    }

    /// Follows an execution; in place of before, if it was followed.
    async fn subscribe_execution(
        &mut self,
        id: ExecutionId,
        from: Option<Seq>,
    ) -> Result<Result<(), Gone>, ApiError> {
        let topic = Topic::Execution(id);
        self.subscriptions.stop(&topic).await;
        self.subscriptions.has_room()?;
        let engine = self.app.engine();
        let from = match from {
            Some(from) => from.max(1),
            None => engine.execution(&self.principal, id).await?.version + 1,
        };
        let watch = engine.watch(&self.principal, id, from).await?;
        let subscribed = ServerFrame::Subscribed { topic: topic.view(), from_seq: Some(from) };
        if let Err(gone) = self.outbox.send(&subscribed).await {
            return Ok(Err(gone));
        }
        let follow = execution::follow(id, watch, self.outbox.clone(), self.request_id.clone());
        // When the client is gone, the conversation ends too: nobody is left to tell.
        self.subscriptions.put(topic, tokio::spawn(async { drop(follow.await) }));
        Ok(Ok(()))
    }

    /// Follows a runtime from now on.
    async fn subscribe_runtime(&mut self, runtime: RuntimeId) -> Result<Result<(), Gone>, ApiError> {
        let topic = Topic::Runtime(runtime.clone());
        self.subscriptions.stop(&topic).await;
        self.subscriptions.has_room()?;
        let engine = self.app.engine();
        engine.runtime(&self.principal, &runtime)?;
        let notices = engine.notices(&self.principal);
        if let Err(gone) =
            self.outbox.send(&ServerFrame::Subscribed { topic: topic.view(), from_seq: None }).await
        {
            return Ok(Err(gone));
        }
        let (engine, principal, outbox) = (engine.clone(), self.principal.clone(), self.outbox.clone());
        let follower = Follower { runtime, engine, principal, outbox };
        self.subscriptions.put(topic, tokio::spawn(async { drop(follower.follow(notices).await) }));
        Ok(Ok(()))
    }

    async fn unsubscribe(&mut self, topic: Topic) -> Result<(), End> {
        self.subscriptions.stop(&topic).await;
        let frame = ServerFrame::Unsubscribed { topic: topic.view(), reason: Unsubscribed::Requested };
        Ok(self.outbox.send(&frame).await?)
    }

    /// Counts a frame. False when it came too early, which the client is told.
    async fn admits(&mut self) -> Result<bool, End> {
        match self.app.rates().take(self.counted.as_ref()).refusal() {
            Some(error) => self.put_up_with(&error).await.map(|()| false),
            None => Ok(true),
        }
    }

    /// Says that a frame was not understood.
    async fn misunderstand(&mut self, what: String) -> Result<(), End> {
        self.put_up_with(&ApiError::bad_request(what)).await
    }

    /// Refuses a frame that should not have been sent; after too many of them, ends the conversation.
    async fn put_up_with(&mut self, error: &ApiError) -> Result<(), End> {
        self.errors += 1;
        self.outbox.refuse(error, None, &self.request_id).await?;
        if self.errors >= self.app.settings().web_socket.errors {
            return Err(End::Close(close_code::POLICY, "too many frames that cannot be understood or taken"));
        }
        Ok(())
    }
}
