//! Simulations: nothing is done, time is virtual, and everything tells the same every time.

mod expecting;
mod giving;
mod people;
mod time;

use orgata_engine::{Document, EngineError, Provenance, Simulation, SimulationRequest};
use orgata_model::execution::{Fact, Status, Summary};

use crate::support::TestHost;
use crate::support::host::{ada, runtime};

fn document(file: &str, text: &str) -> Document {
    Document { file: file.to_owned(), text: text.to_owned() }
}

/// The playbook `story` with this scenario.
fn request(scenario: &str) -> SimulationRequest {
    SimulationRequest {
        playbook: "story".parse().unwrap(),
        source: None,
        scenario: (!scenario.is_empty()).then(|| document("scenario.yaml", scenario)),
        input: None,
        recorded: Vec::new(),
    }
}

async fn try_simulate(host: &TestHost, request: SimulationRequest) -> Result<Simulation, EngineError> {
    host.engine.simulate(&ada(), &runtime(), request).await
}

/// A host with these steps as the playbook `story`.
async fn host(steps: &str) -> TestHost {
    let host = TestHost::new().await;
    host.publish(&format!("name: story\nsteps:\n{steps}")).await;
    host
}

/// Plays the steps with this scenario.
async fn play(steps: &str, scenario: &str) -> (TestHost, Simulation) {
    let host = host(steps).await;
    let simulation = try_simulate(&host, request(scenario)).await.unwrap();
    (host, simulation)
}

fn own(simulation: &Simulation) -> &Summary {
    simulation.own().unwrap()
}

fn status(simulation: &Simulation) -> Status {
    own(simulation).status
}

/// How long it took, in seconds of virtual time.
fn took(simulation: &Simulation) -> u64 {
    let own = own(simulation);
    own.ended_at.unwrap().duration_since(own.started_at).unsigned_abs().as_secs()
}

/// What happened, by name, and to which step: `step_completed a`.
fn journal(simulation: &Simulation) -> Vec<String> {
    let told = simulation.happened.iter().map(|happened| {
        let step = happened.event.fact.step().map(ToString::to_string).unwrap_or_default();
        format!("{} {step}", happened.event.fact.name()).trim().to_owned()
    });
    told.collect()
}

fn count(simulation: &Simulation, line: &str) -> usize {
    journal(simulation).iter().filter(|told| *told == line).count()
}

/// Where the results of a step came from.
fn from(simulation: &Simulation, step: &str) -> Vec<Provenance> {
    let of_step = simulation
        .happened
        .iter()
        .filter(|happened| happened.event.fact.step().is_some_and(|path| path.to_string() == step));
    of_step.filter_map(|happened| happened.from.clone()).collect()
}

fn problems(simulation: &Simulation) -> Vec<String> {
    simulation.problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect()
}

/// It passed.
#[track_caller]
fn passed(simulation: &Simulation) {
    assert!(simulation.passed(), "{:#?}\n{:#?}", problems(simulation), journal(simulation));
}

/// How the steps of a simulation failed.
fn failures(simulation: &Simulation) -> Vec<String> {
    let failed = simulation.happened.iter().filter_map(|happened| match &happened.event.fact {
        Fact::StepFailed { failure, .. } => Some(failure.code.clone()),
        _ => None,
    });
    failed.collect()
}
