//! Testing a draft in the sandbox: its own examples, and cases that the caller brings.
//!
//! Nothing is granted there, unless the caller names a runtime of a developer's own: then the plugin reaches what it would
//! reach in that. A case may say itself what an AI model answers: then the plugin may ask, whatever is granted, because nobody
//! hears it. Examples of effectful operations are not run, because they tell of a world that is not there.

use std::sync::Arc;
use std::time::Duration;

use orgata_model::operation::{EffectClass, Operation, Plugin};
use orgata_model::runtime::Environment;
use orgata_model::sampling::{Answers, ModelSource, Provider, ScriptedAnswer};
use orgata_model::{Digest, ExecutionId, RuntimeId, failure};
use serde_json::Value;

use crate::access::{Place, Subject, rules};
use crate::engine::Engine;
use crate::error::{EngineError, Thing};
use crate::principal::Principal;
use crate::sampling::Sampling;
use crate::trials::{Case, Ground, Trial, Tryout, Verdict};

/// Most cases of one request.
const MOST_CASES: usize = 50;

/// How long all trials of one request may take; what is left then is not run.
const LONGEST: Duration = Duration::from_mins(2);

const EFFECTFUL: &str = "it may change the outside; try it with a case of your own";
const NO_EXAMPLES: &str = "it has no examples";
const NO_TIME: &str = "the trials before it took all the time that one test has";

/// What to test.
#[derive(Debug, Clone, Default)]
pub struct TestRequest {
    /// The runtime whose grants hold; it must be in development. Absent: nothing is granted.
    pub runtime: Option<RuntimeId>,
    /// Only the examples of this operation, without its plugin's name.
    pub operation: Option<String>,
    /// What to try besides the examples.
    pub cases: Vec<TestCase>,
}

/// An input to try.
#[derive(Debug, Clone)]
pub struct TestCase {
    /// Which operation, without its plugin's name.
    pub operation: String,
    /// What to call it.
    pub name: Option<String>,
    /// What it is given.
    pub input: Value,
    /// What it should give; anything will do when absent.
    pub expected: Option<Value>,
    /// Answers to its questions, in their order.
    pub answers: Vec<Value>,
    /// What an AI model answers to its requests, in their order; a request more fails. When there are none, the runtime's own
    /// script answers, if there is one.
    pub model_answers: Vec<ScriptedAnswer>,
}

/// How it all went.
#[derive(Debug, Clone)]
pub struct Tested {
    /// What was tested.
    pub plugin: Arc<Plugin>,
    /// Each trial.
    pub trials: Vec<Trial>,
}

impl Tested {
    /// How many ended so.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.trials.iter().filter(|trial| trial.verdict == verdict).count()
    }
}

/// One trial to come.
struct Planned {
    operation: Arc<Operation>,
    case: Case,
    answers: Vec<Value>,
    /// The AI model that the case brings.
    model: Option<ModelSource>,
}

impl Engine {
    /// Tests a draft in the sandbox. Nothing is recorded.
    pub async fn test_operation(
        &self,
        who: &Principal,
        digest: Digest,
        request: TestRequest,
    ) -> Result<Tested, EngineError> {
        let name = digest.to_string();
        let subject = Subject { thing: Thing::Draft, name: &name };
        let work = self.tested(who, digest, request);
        self.0.guarded(who, &rules::TEST_DRAFT, Place::Host, subject, work).await
    }

    async fn tested(
        &self,
        who: &Principal,
        digest: Digest,
        request: TestRequest,
    ) -> Result<Tested, EngineError> {
        let component = self.draft(digest)?;
        let ground = self.ground(who, request.runtime.as_ref())?;
        let (engine, who) = (self.clone(), who.clone());
        let trials = async move { engine.tried_all(&who, &component, &ground, request).await };
        self.0.in_workshop(trials).await?
    }

    async fn tried_all(
        &self,
        who: &Principal,
        component: &Arc<[u8]>,
        ground: &Ground,
        request: TestRequest,
    ) -> Result<Tested, EngineError> {
        let plugin = self.inspected(who, component).await?;
        let (mut trials, planned) = plan(&plugin, request)?;
        let until = self.0.clock.now() + LONGEST;
        for planned in planned {
            if self.0.clock.now() >= until {
                trials.push(Trial::skipped(&planned.operation, NO_TIME));
                continue;
            }
            let mut trial = self.tried(ground, &planned).await?;
            if is_gone(&trial) {
                // Others have used so many drafts meanwhile that this one left memory.
                self.inspected(who, component).await?;
                trial = self.tried(ground, &planned).await?;
            }
            trials.push(trial);
        }
        Ok(Tested { plugin, trials })
    }

    fn ground(&self, who: &Principal, runtime: Option<&RuntimeId>) -> Result<Ground, EngineError> {
        let bare = Ground::bare(self.0.clock.now())?;
        let Some(id) = runtime else { return Ok(bare) };
        let entry = self.0.enter(who, id)?;
        let environment = entry.runtime.environment;
        if environment != Environment::Development {
            let message = format!(
                "a draft is not tested with what runtime `{id}` grants, which is in {}: name a runtime in development, or none",
                environment.as_str()
            );
            return Err(EngineError::Refusal(message));
        }
        let (grants, config) = (entry.runtime.grants.clone(), Arc::clone(&entry.config));
        // Trying something out costs nobody money.
        let scripted = entry.runtime.model.clone().filter(|model| model.provider == Provider::Scripted);
        let model = scripted.map(|model| self.asked_by_nobody(model));
        Ok(Ground { runtime: id.clone(), environment, grants, config, model, ..bare })
    }

    /// A model for what is tried out: no execution asks it, and nothing is recorded.
    fn asked_by_nobody(&self, model: ModelSource) -> Arc<Sampling> {
        let nothing = ExecutionId::new(uuid::Uuid::nil());
        Arc::new(Sampling::new(model, &self.0.means(), nothing, 0, None))
    }

    /// Where a case is tried: with a model of its own, if it brings one.
    fn ground_of(&self, ground: &Ground, planned: &Planned) -> Ground {
        let mut ground = ground.clone();
        if let Some(model) = &planned.model {
            ground.grants.entry(planned.operation.name.plugin.clone()).or_default().model = true;
            ground.model = Some(self.asked_by_nobody(model.clone()));
        }
        ground
    }

    async fn tried(&self, ground: &Ground, planned: &Planned) -> Result<Trial, EngineError> {
        let operations = &*self.0.operations;
        let ground = self.ground_of(ground, planned);
        let mut tryout = Tryout::new(operations, &ground, &planned.operation, planned.case.clone());
        let mut answers = planned.answers.iter();
        while tryout.go_on().await?.is_some() {
            let Some(answer) = answers.next() else { break };
            if let Err(violations) = tryout.answer(answer.clone()) {
                let told: Vec<_> =
                    violations.iter().map(|one| format!("{} {}", one.pointer, one.message)).collect();
                return Ok(tryout.end_because(format!("the answer does not fit: {}", told.join("; ").trim())));
            }
        }
        Ok(tryout.end())
    }
}

/// What is run, after what is not.
fn plan(plugin: &Plugin, request: TestRequest) -> Result<(Vec<Trial>, Vec<Planned>), EngineError> {
    if request.cases.len() > MOST_CASES {
        let message = format!("there are {} cases: hand over {MOST_CASES} at a time", request.cases.len());
        return Err(EngineError::BadRequest(message));
    }
    let chosen = match &request.operation {
        Some(name) => vec![found(plugin, name)?],
        None => plugin.operations.iter().collect(),
    };
    let (mut skipped, mut planned) = (Vec::new(), Vec::new());
    for operation in chosen {
        let given = request.cases.iter().any(|case| is_meant(plugin, operation, &case.operation));
        match unrunnable(operation) {
            Some(_) if given => {}
            Some(reason) => skipped.push(Trial::skipped(operation, reason)),
            None => planned.extend(operation.examples.iter().map(|example| Planned {
                operation: Arc::clone(operation),
                case: Case::from(example),
                answers: Vec::new(),
                model: None,
            })),
        }
    }
    for (at, case) in request.cases.into_iter().enumerate() {
        let TestCase { operation, name, input, expected, answers, model_answers } = case;
        let operation = Arc::clone(found(plugin, &operation)?);
        let model = script(at, model_answers)?;
        let case = Case { name, example: false, input, expected };
        planned.push(Planned { operation, case, answers, model });
    }
    Ok((skipped, planned))
}

/// The model that answers so, and says what to write when it is asked for more.
fn script(at: usize, answers: Vec<ScriptedAnswer>) -> Result<Option<ModelSource>, EngineError> {
    if answers.is_empty() {
        return Ok(None);
    }
    let count = answers.len();
    let mut model = ModelSource { answers: Answers::Listed(answers), ..ModelSource::of(Provider::Scripted) };
    let here = |wrong: String| wrong.replacen("model.answers", &format!("cases[{at}].modelAnswers"), 1);
    model.check().map_err(|wrong| EngineError::BadRequest(here(wrong)))?;
    if let Answers::Listed(answers) = &mut model.answers {
        // The last answer of a script is given to all that follow.
        answers.push(ScriptedAnswer::failing(format!(
            "the model was asked more often than the case says: modelAnswers has {count}, so add what it answers to request {}",
            count + 1
        )));
    }
    // How often it may ask is how many answers there are.
    model.max_requests = u32::MAX;
    Ok(Some(model))
}

/// Why the examples of an operation are not run.
fn unrunnable(operation: &Operation) -> Option<&'static str> {
    match operation.effect {
        EffectClass::Effectful => Some(EFFECTFUL),
        _ if operation.examples.is_empty() => Some(NO_EXAMPLES),
        _ => None,
    }
}

/// The operation of this name, with or without its plugin's.
fn found<'p>(plugin: &'p Plugin, name: &str) -> Result<&'p Arc<Operation>, EngineError> {
    plugin.operations.iter().find(|operation| is_meant(plugin, operation, name)).ok_or_else(|| {
        let names = plugin.operations.iter().map(|operation| &*operation.name.operation);
        EngineError::not_found_among(Thing::Operation, name, names)
    })
}

fn is_meant(plugin: &Plugin, operation: &Operation, name: &str) -> bool {
    let bare =
        name.strip_prefix(plugin.name.as_str()).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name);
    *operation.name.operation == *bare
}

fn is_gone(trial: &Trial) -> bool {
    trial.failure.as_ref().is_some_and(|failure| failure.code == failure::code::PLUGIN_GONE)
}
