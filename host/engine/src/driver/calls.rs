//! The calls of operations that are under way for one execution.
//!
//! A call that is alone runs inside of the driver's own task: most playbooks do one thing at a time, and a task
//! of its own would only cost. Calls beside each other have tasks, so that they share the processors.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use jiff::Timestamp;
use orgata_model::execution::Attempt;
use orgata_model::failure::code;
use orgata_model::operation::Operation;
use orgata_model::{Failure, StepPath};
use tokio::sync::mpsc;
use tracing::Instrument as _;

use crate::pool::{Lane, Pool};
use crate::ports::{Call, CallReport, Progress, Session};
use crate::results::ResultKey;

use super::pace::Pace;

/// Progress reports of one call that may wait to be recorded.
const PROGRESS_BACKLOG: usize = 16;

/// What a call is for.
#[derive(Debug, Clone)]
pub(super) enum Purpose {
    /// An attempt of a step.
    Step(Attempt),
    /// An attempt to undo one, 1 for the first.
    Undo(u32),
}

/// A call that is about to begin.
pub(super) struct Planned {
    pub(super) at: usize,
    pub(super) step: StepPath,
    pub(super) purpose: Purpose,
    pub(super) operation: Arc<Operation>,
    /// What its result is kept by, if it may be.
    pub(super) kept_by: Option<ResultKey>,
}

/// A call under way.
pub(super) struct Flight {
    ticket: u64,
    pub(super) planned: Planned,
    pub(super) pace: Pace,
    reports: mpsc::Receiver<Progress>,
    sender: mpsc::Sender<Progress>,
}

type Running = Pin<Box<dyn Future<Output = (u64, CallReport)> + Send>>;

/// The calls under way.
#[derive(Default)]
pub(super) struct Calls {
    running: FuturesUnordered<Running>,
    flights: Vec<Flight>,
    next: u64,
    /// A channel that a call before has left: making one is not cheap.
    spare: Option<(mpsc::Sender<Progress>, mpsc::Receiver<Progress>)>,
}

/// What happened to a call.
pub(super) enum News {
    /// It ended.
    Ended(Box<Flight>, CallReport),
    /// It told how far it has come.
    Progress(StepPath, Progress),
}

impl Calls {
    pub(super) fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    /// Whether a call for this step is under way.
    pub(super) fn runs(&self, step: &StepPath) -> bool {
        self.flights.iter().any(|flight| flight.planned.step == *step)
    }

    pub(super) fn undoes(&self) -> bool {
        self.flights.iter().any(|flight| matches!(flight.planned.purpose, Purpose::Undo(_)))
    }

    /// Stops them all: their guests end, and what they send from now on does not count.
    pub(super) fn clear(&mut self) {
        self.running.clear();
        self.flights.clear();
    }

    /// Begins a call, in the driver's own task or, `beside` others, in this lane.
    pub(super) fn begin(
        &mut self,
        session: Arc<dyn Session>,
        planned: Planned,
        beside: Option<(&Pool, Lane)>,
        call: impl FnOnce(mpsc::Sender<Progress>) -> Call,
    ) {
        let (sender, reports) = self.spare.take().unwrap_or_else(|| mpsc::channel(PROGRESS_BACKLOG));
        let call = call(sender.clone());
        let ticket = self.next;
        self.next += 1;
        self.flights.push(Flight { ticket, planned, pace: Pace::new(), reports, sender });
        let Some((pool, lane)) = beside else {
            self.running.push(Box::pin(async move { (ticket, session.call(call).await) }));
            return;
        };
        let running = pool.run(lane, async move { session.call(call).await }.in_current_span());
        self.running.push(Box::pin(async move {
            let report = running.ended().await.unwrap_or_else(|| CallReport {
                outcome: Err(Failure::permanent(code::INTERNAL, "the call ended unexpectedly: see the log")),
                log: Vec::new(),
                log_dropped: 0,
                took: Duration::ZERO,
                memory: 0,
            });
            (ticket, report)
        }));
    }

    /// What happens next to one of them; for ever when there is none.
    pub(super) async fn news(&mut self, now: impl Fn() -> Timestamp) -> News {
        loop {
            let Self { running, flights, .. } = self;
            let told = poll_fn(|cx| {
                for flight in flights.iter_mut() {
                    if let Poll::Ready(Some(report)) = flight.reports.poll_recv(cx) {
                        return Poll::Ready((flight.ticket, report));
                    }
                }
                Poll::Pending
            });
            tokio::select! {
                biased;
                Some((ticket, report)) = running.next() => {
                    let Some(at) = self.flights.iter().position(|flight| flight.ticket == ticket) else { continue };
                    return News::Ended(Box::new(self.flights.swap_remove(at)), report);
                }
                (ticket, report) = told => {
                    let flight = self.flights.iter_mut().find(|flight| flight.ticket == ticket);
                    let Some(flight) = flight else { continue };
                    if let Some(report) = flight.pace.admit(report, now()) {
                        return News::Progress(flight.planned.step.clone(), report);
                    }
                    // A guest that reports without end is always ready, and so is its next report: without this
                    // the two would keep the thread to themselves.
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// When a report that was held back is due.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.flights.iter().filter_map(|flight| flight.pace.due()).min()
    }

    /// The reports that were held back and are due now.
    pub(super) fn held(&mut self, now: Timestamp) -> Vec<(StepPath, Progress)> {
        let held = self.flights.iter_mut().filter_map(|flight| {
            let report = flight.pace.held(now)?;
            Some((flight.planned.step.clone(), report))
        });
        held.collect()
    }

    /// The reports that came with the end of a call: they still count.
    pub(super) fn last_reports(&mut self, flight: &mut Flight, now: Timestamp) -> Vec<Progress> {
        let mut last = Vec::new();
        while let Ok(report) = flight.reports.try_recv() {
            last.extend(flight.pace.admit(report, now));
        }
        last.extend(flight.pace.last());
        last
    }

    /// Keeps a call's channel for another.
    pub(super) fn put_back(&mut self, flight: Flight) -> Planned {
        self.spare = Some((flight.sender, flight.reports));
        flight.planned
    }
}
