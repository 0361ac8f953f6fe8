//! One instance of one plugin: its store, its limits, and calls into it.
//!
//! A trap leaves a store in pieces: whoever gets an error from [`Instance::run`] reads what the call left
//! behind ([`Instance::finish`]) and drops it.

use std::sync::Arc;

use wasmtime::{Store, UpdateDeadline};

use crate::bindings::{Plugin, guest};
use crate::guest::{Guest, Scope};
use crate::limits::LimitReached;
use crate::log::Kept;
use crate::machine::Machine;
use crate::notes::Taken;
use crate::plain;
use crate::turns::{Habit, Turn};
use crate::version::Code;

/// Ticks until the guest is first looked at in a call.
const FIRST_LOOK: u64 = 1;

/// Handles that the components inside one instance may hold, together.
const MAX_HANDLES: usize = 10_000;

/// What is asked of an instance.
pub(crate) enum Request<'a> {
    Execute {
        call: guest::Call<'a>,
        input: &'a str,
    },
    Resume {
        call: guest::Call<'a>,
        state: &'a str,
        answer: &'a str,
    },
    /// A function of a plain component, by its place in the code.
    Function {
        at: usize,
        input: &'a serde_json::Value,
    },
}

/// What an instance answered.
pub(crate) enum Reply {
    Contract(Result<guest::Outcome, guest::Failure>),
    Function(Result<serde_json::Value, plain::CallError>),
}

/// One instance.
pub(crate) struct Instance {
    store: Store<Guest>,
    exports: Option<Exports>,
    turn: Turn,
}

enum Exports {
    Contract(Plugin),
    Plain(wasmtime::component::Instance),
}

/// What a call left behind.
#[derive(Debug, Default)]
pub(crate) struct Remains {
    pub(crate) log: Kept,
    /// The most memory it held, in bytes.
    pub(crate) memory: u64,
    /// Whether it was refused memory.
    pub(crate) starved: bool,
    /// What it was refused.
    pub(crate) notes: Taken,
}

impl Instance {
    /// A place for an instance; it comes to life with its first call.
    pub(crate) fn new(machine: &Machine, code: &Code, guest: Guest) -> Self {
        let output = guest.settings.output.as_usize();
        let output = match code {
            Code::Contract(_) => output,
            // Values grow on their way to JSON; the JSON itself is held to the limit after.
            Code::Plain(_) => output.saturating_mul(plain::BLOAT),
        };
        let mut store = Store::new(&machine.engine, guest);
        store.limiter(|guest| &mut guest.limiter);
        // All that a guest hands over at once is counted before it is copied.
        store.set_hostcall_fuel(output);
        store.set_max_component_handles(MAX_HANDLES);
        let turn = Turn::new();
        let own = turn.clone();
        store.epoch_deadline_callback(move |store| {
            store.data().check()?;
            // Not wasmtime's own yield: that one goes to the head of the queue, and a loop starves the rest.
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(own.give_way())))
        });
        Self { store, exports: None, turn }
    }

    /// Turns to another call of the same execution.
    pub(crate) fn begin(&mut self, scope: Scope) {
        self.store.data_mut().begin(scope);
    }

    /// Asks the plugin what it offers.
    pub(crate) async fn describe(&mut self, code: &Code) -> wasmtime::Result<guest::PluginInfo> {
        let turn = self.turn.clone();
        turn.taken(&Habit::default(), self.ask(code)).await
    }

    async fn ask(&mut self, code: &Code) -> wasmtime::Result<guest::PluginInfo> {
        match self.started(code).await? {
            (Exports::Contract(plugin), store) => {
                let info = plugin.orgata_plugin_operations().call_describe(&mut *store).await?;
                store.data().check_host_calls()?;
                Ok(info)
            }
            (Exports::Plain(_), _) => wasmtime::bail!("a plain component has no describe"),
        }
    }

    /// Performs one call, of an operation with this habit.
    pub(crate) async fn run(
        &mut self,
        code: &Code,
        habit: &Habit,
        request: Request<'_>,
    ) -> wasmtime::Result<Reply> {
        let turn = self.turn.clone();
        turn.taken(habit, self.perform(code, request)).await
    }

    async fn perform(&mut self, code: &Code, request: Request<'_>) -> wasmtime::Result<Reply> {
        let (exports, store) = self.started(code).await?;
        let reply = match (exports, request) {
            (Exports::Contract(plugin), Request::Execute { call, input }) => {
                let operations = plugin.orgata_plugin_operations();
                Reply::Contract(operations.call_execute(&mut *store, call, input).await?)
            }
            (Exports::Contract(plugin), Request::Resume { call, state, answer }) => {
                let operations = plugin.orgata_plugin_operations();
                Reply::Contract(operations.call_resume(&mut *store, call, state, answer).await?)
            }
            (Exports::Plain(instance), Request::Function { at, input }) => {
                Reply::Function(plain::call(code, instance, &mut *store, at, input).await?)
            }
            _ => wasmtime::bail!("the call does not fit the kind of the plugin"),
        };
        store.data().check_host_calls()?;
        Ok(reply)
    }

    /// Whether the instance had better not serve another call.
    pub(crate) fn worn(&self) -> bool {
        self.store.data().limiter.crowded()
    }

    /// Takes what the call left behind.
    pub(crate) fn finish(&mut self) -> Remains {
        let guest = self.store.data_mut();
        let settings = Arc::clone(&guest.settings);
        Remains {
            log: guest.log.take(&settings),
            memory: guest.limiter.peak(),
            starved: guest.limiter.refused(),
            notes: guest.notes.take(),
        }
    }

    async fn started(&mut self, code: &Code) -> wasmtime::Result<(&Exports, &mut Store<Guest>)> {
        self.store.set_epoch_deadline(FIRST_LOOK);
        if self.exports.is_none() {
            self.exports = Some(match code {
                Code::Contract(pre) => Exports::Contract(pre.instantiate_async(&mut self.store).await?),
                Code::Plain(plain) => Exports::Plain(plain.pre.instantiate_async(&mut self.store).await?),
            });
        }
        match &self.exports {
            Some(exports) => Ok((exports, &mut self.store)),
            None => wasmtime::bail!("the instance did not come to life"),
        }
    }
}

/// The limit behind an error, if one is.
pub(crate) fn limit_behind(error: &wasmtime::Error) -> Option<LimitReached> {
    error.downcast_ref::<LimitReached>().copied()
}
