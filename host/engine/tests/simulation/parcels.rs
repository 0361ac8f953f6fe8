//! Histories that are taken out of a host, deleted there, brought back, and taken into another host.

use std::sync::Arc;
use std::time::Duration;

use orgata_engine::{Control, EngineError, Export, ImportRequest};
use orgata_model::ExecutionId;
use orgata_model::execution::{Event, Fact, Status, Summary};
use orgata_model::playbook::Playbook;

use crate::invariants::{self, Watch};
use crate::outcomes::{Mood, let_anything_happen};
use crate::people::{People, ask};
use crate::rng::Rng;
use crate::support::host::ada;
use crate::support::{TestHost, World, within};
use crate::well_meaning;

/// Turns within which what was taken in comes to its end.
const PATIENCE: usize = 600;
/// Versions of plugins that there are, wherever.
pub(crate) const VERSIONS: u32 = 4;

/// A history on its way.
#[derive(Clone)]
pub(crate) struct Parcel {
    request: ImportRequest,
    events: Vec<Event>,
    ended: bool,
}

async fn packed(mut export: Export) -> Result<Parcel, EngineError> {
    let summary = export.execution.summary.clone();
    let mut events = Vec::new();
    while let Some(event) = export.next().await? {
        events.push(event);
    }
    let request = ImportRequest {
        execution: summary.id,
        runtime: summary.runtime,
        playbook: (summary.playbook.digest, export.source.to_string()),
        idempotency_key: export.execution.idempotency_key.clone(),
        events: summary.version,
    };
    Ok(Parcel { request, events, ended: summary.status.is_end() })
}

async fn unpacked(engine: &orgata_engine::Engine, parcel: Parcel) -> Result<Summary, EngineError> {
    let mut import = engine.import(&ada(), parcel.request).await?;
    parcel.events.into_iter().try_for_each(|event| import.take(event))?;
    import.finish().await
}

impl People {
    /// Somebody takes a history out.
    pub(crate) fn take_out(&self, host: &TestHost, dice: &mut Rng) -> Option<String> {
        let id = *dice.pick(&host.store.ids())?;
        let (engine, parcels) = (host.engine.clone(), Arc::clone(&self.parcels));
        let packing = async move { packed(engine.export(&ada(), id).await?).await };
        ask(&self.complaints, format!("taking {id} out"), packing, move |parcel| {
            let whole = parcel.events.len() as u64 == parcel.request.events;
            parcels.lock().unwrap().push(parcel);
            whole
        });
        Some(format!("{id} is taken out"))
    }

    /// Somebody deletes an execution, whether it has ended or not.
    pub(crate) fn delete(&mut self, host: &TestHost, dice: &mut Rng) -> Option<String> {
        let id = *dice.pick(&host.store.ids())?;
        self.wanted.insert(id);
        let (engine, store) = (host.engine.clone(), host.store.clone());
        let deleting = async move { engine.purge(&ada(), id).await };
        ask(&self.complaints, format!("deleting {id}"), deleting, move |()| {
            store.summary(id).is_none() || !store.is_purged(id)
        });
        Some(format!("{id} is to be deleted"))
    }

    /// Somebody brings back what has ended, whether it is still there or not.
    pub(crate) fn bring_back(&self, host: &TestHost, dice: &mut Rng) -> Option<String> {
        let parcels = self.parcels.lock().unwrap().clone();
        let ended: Vec<_> = parcels.into_iter().filter(|parcel| parcel.ended).collect();
        let parcel = dice.pick(&ended)?.clone();
        let (id, events) = (parcel.request.execution, parcel.events.clone());
        let (engine, store) = (host.engine.clone(), host.store.clone());
        let bringing = async move {
            match unpacked(&engine, parcel).await {
                Err(
                    error @ (EngineError::BadHistory(_)
                    | EngineError::BadPlaybook(_)
                    | EngineError::MissingOperations { .. }),
                ) => Err(EngineError::Internal(format!("what was taken out is refused: {error}"))),
                told => told,
            }
        };
        ask(&self.complaints, format!("bringing {id} back"), bringing, move |_| {
            store.is_purged(id) || store.history(id).starts_with(&events)
        });
        Some(format!("{id} is brought back"))
    }
}

/// What another host makes of a history: it is the same there, and goes on when somebody says so; or it is refused.
pub(crate) async fn take_abroad(parcel: Parcel, playbooks: &[Arc<Playbook>], dice: &mut Rng) {
    let mut there = TestHost::new().await;
    // Ids are made of times: none of what was taken in is given again.
    there.clock.set(parcel.events.last().unwrap().at + Duration::from_secs(1));
    let mood = Mood::default();
    mood.kind.store(true, std::sync::atomic::Ordering::SeqCst);
    let_anything_happen(&there.world, 0, &mood);
    refuses_what_is_not_whole(&there, &parcel).await;
    if !parcel.ended && dice.once_in(4) && lacks_a_version(&parcel) {
        let refused = within(unpacked(&there.engine, parcel)).await.unwrap_err();
        return assert_eq!(refused.code(), "OPERATION_MISSING", "{refused}");
    }
    (1..=VERSIONS).for_each(|version| there.world.load_all(version));
    let summary = within(unpacked(&there.engine, parcel.clone())).await.unwrap();
    there.crash().await;
    there.settle().await;
    is_the_same(&there, &parcel, &summary);
    let again = within(unpacked(&there.engine, parcel.clone())).await.unwrap_err();
    assert_eq!(again.code(), "ALREADY_EXISTS", "{again}");
    if !parcel.ended {
        // Playbooks that it runs may be there, or not.
        let known = if dice.once_in(2) { playbooks } else { &[] };
        go_on(&there, summary.id, known, dice).await;
    }
    Watch::of(playbooks).look(&there, &Default::default());
    invariants::check_end(&there);
}

fn lacks_a_version(parcel: &Parcel) -> bool {
    let Fact::ExecutionStarted { plugins, .. } = &parcel.events[0].fact else { panic!("it has no start") };
    let known = World::default();
    plugins.values().any(|digest| !known.knows(*digest))
}

/// A history without its end, or with a hole.
async fn refuses_what_is_not_whole(there: &TestHost, parcel: &Parcel) {
    for missing in [parcel.events.len() - 1, parcel.events.len() / 2] {
        let mut part = parcel.clone();
        part.events.remove(missing);
        let refused = within(unpacked(&there.engine, part)).await.unwrap_err();
        assert!(matches!(refused, EngineError::BadHistory(_)), "{refused}");
    }
    assert!(there.store.ids().is_empty(), "nothing of it is kept");
}

/// It folds to what it was, and nothing has run.
fn is_the_same(there: &TestHost, parcel: &Parcel, told: &Summary) {
    let playbook = there.store.playbook_of(told.id);
    let before = invariants::fold(told.id, &playbook, &parcel.events);
    let events = there.history(told.id);
    assert!(events.starts_with(&parcel.events), "the history is the same");
    let after = invariants::fold(told.id, &playbook, &events);
    assert_eq!(after.summary(), *told);
    let paused = !parcel.ended && !before.paused;
    assert_eq!(events.len(), parcel.events.len() + usize::from(paused), "nothing but a pause follows");
    assert_eq!(format!("{:?}", after.frame), format!("{:?}", before.frame), "steps stand where they stood");
    assert!(parcel.ended || told.status == Status::Paused, "it is {:?}", told.status);
    assert!(there.world.calls().is_empty(), "nothing runs before somebody says so");
}

/// Somebody lets it go on, and it comes to its end.
async fn go_on(there: &TestHost, id: ExecutionId, playbooks: &[Arc<Playbook>], dice: &mut Rng) {
    for playbook in playbooks.iter().filter(|playbook| playbook.schedule.is_none()) {
        there.publish(&playbook.source).await;
    }
    there.control(id, Control::Resume).await.unwrap();
    let mut people = People::default();
    for turn in 0.. {
        let told = |id| format!("{id} {:?} {}", there.status(id), invariants::journal(&there.history(id)));
        assert!(
            turn < PATIENCE,
            "it never ends abroad: {:#?}",
            there.store.ids().into_iter().map(told).collect::<Vec<_>>()
        );
        there.settle().await;
        if well_meaning::all_ended(there) {
            return;
        }
        well_meaning::help(there, &mut people, dice);
    }
}
