//! A host with a runtime in each environment, and principals of every kind who may do this or that.

#![allow(unreachable_pub, reason = "what the tables share")]

use std::collections::BTreeMap;

use axum::body::Body;
use http::Request;
use orgata_api::{Api, AuthSettings, Authenticator};
use orgata_engine::access::{AccessSettings, NewKey};
use orgata_engine::{Engine, Identity, Principal, PrincipalKind, Reach, Scope};
use orgata_model::access::{Access, Permissions, Resource};
use orgata_model::runtime::{Environment, Runtime};
use serde_json::{Value, json};

use crate::support::{ASK, Answer, HELLO, Host, request};

pub const KINDS: [PrincipalKind; 3] = [PrincipalKind::User, PrincipalKind::Service, PrincipalKind::Assistant];

/// What a door asks for, as the tables say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asks {
    pub resource: Resource,
    pub access: Access,
    pub place: Where,
}

/// Where it must be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// In the environment of the runtime that is meant.
    There,
    /// In every environment.
    Everywhere,
    /// In any environment.
    Anywhere,
}

pub const fn asks(resource: Resource, access: Access, place: Where) -> Asks {
    Asks { resource, access, place }
}

/// The environment of everything that the tables ask for.
pub const THERE: Environment = Environment::Production;

/// A host that asks who calls. Nobody may do anything in it, but by a role.
pub struct World {
    pub host: Host,
    keys: BTreeMap<String, String>,
    /// An execution that waits, and its question; nobody ends it.
    pub waiting: (String, String),
    /// Another one, which is steered and ended.
    pub steered: String,
    /// The exported history of the one that waits.
    pub history: String,
}

/// A playbook that asks whoever may answer.
const WAIT: &str = "
name: wait
steps:
  - name: gather
    operation: words/echo
    params: { a: 1 }
  - name: choose
    intervention: { type: human_decision, prompt: Which?, options: [grape, apricot] }
  - name: spread
    operation: words/echo
    params: { a: 2 }
";

/// A caller, as the tables make them.
#[derive(Debug, Clone)]
pub struct Who {
    pub kind: PrincipalKind,
    pub environments: Vec<Environment>,
    /// What a role lets it do, in every environment.
    pub role: Option<(Resource, Access)>,
    pub scope: Option<(Resource, Access)>,
}

impl Who {
    /// Whether the rule lets it in: said here once more, so that the engine is not asked about itself.
    pub fn may(&self, asks: Asks) -> bool {
        let covers = |has: (Resource, Access)| has.0 == asks.resource && has.1 >= asks.access;
        let by_role = self.role.is_some_and(covers) && self.scope.is_none_or(covers);
        by_role
            && match asks.place {
                Where::There => self.environments.contains(&THERE),
                Where::Everywhere => Environment::ALL.iter().all(|it| self.environments.contains(it)),
                Where::Anywhere => !self.environments.is_empty(),
            }
    }

    fn name(&self) -> String {
        let word = |it: &Option<(Resource, Access)>| {
            it.map_or("none".to_owned(), |(resource, access)| {
                format!("{}-{}", resource.as_str(), access.as_str())
            })
        };
        let places: Vec<_> = self.environments.iter().map(|it| it.as_str()).collect();
        format!("{}.{}.{}.{}", self.kind.as_str(), places.join("+"), word(&self.role), word(&self.scope))
    }
}

/// Callers of every kind, in and outside of the environment, for whom this is allowed, nearly allowed, and not at all.
pub fn callers(asks: Asks) -> Vec<Who> {
    let exact = (asks.resource, asks.access);
    let other = if asks.resource == Resource::Audit { Resource::Secret } else { Resource::Audit };
    let less = match asks.access {
        Access::Read => None,
        Access::Write => Some((asks.resource, Access::Read)),
        Access::Admin => Some((asks.resource, Access::Write)),
    };
    let mut all = Vec::new();
    for kind in KINDS {
        for environments in [vec![], vec![THERE], vec![Environment::Development], Environment::ALL.to_vec()] {
            for role in [None, Some(exact), less, Some((other, Access::Write))] {
                all.push(Who { kind, environments: environments.clone(), role, scope: None });
            }
            for scope in [exact, (other, Access::Write)] {
                all.push(Who {
                    kind,
                    environments: environments.clone(),
                    role: Some(exact),
                    scope: Some(scope),
                });
            }
        }
    }
    all
}

fn role_of(resource: Resource, access: Access) -> String {
    format!("{}-{}", resource.as_str(), access.as_str())
}

/// A role for each permission; without one nobody may do anything.
fn settings() -> AccessSettings {
    let nothing = || Environment::ALL.into_iter().map(|it| (it, Permissions::default())).collect();
    let mut roles = BTreeMap::new();
    for resource in Resource::ALL {
        for access in [Access::Read, Access::Write, Access::Admin] {
            let mut permissions = Permissions::default();
            match access {
                Access::Read => drop(permissions.read.insert(resource)),
                Access::Write => drop(permissions.write.insert(resource)),
                // There is no such thing as administering one kind alone: a scope narrows it to that.
                Access::Admin => permissions.admin = true,
            }
            let everywhere = Environment::ALL.into_iter().map(|it| (it, permissions.clone())).collect();
            roles.insert(role_of(resource, access).parse().unwrap(), everywhere);
        }
    }
    // Whether it is an assistant that confirms is another question.
    AccessSettings { environments: nothing(), roles, assistants_confirm: true }
}

pub fn runtime_of(environment: Environment) -> String {
    format!("in-{}", environment.as_str())
}

impl World {
    pub async fn new() -> Self {
        let engine_settings =
            orgata_engine::Settings { access: settings(), ..orgata_engine::Settings::default() };
        let mut host = Host::with_engine(orgata_api::Settings::default(), engine_settings).await;
        let me = Principal::local();
        for environment in Environment::ALL {
            let id: orgata_model::RuntimeId = runtime_of(environment).parse().unwrap();
            host.engine.create_runtime(&me, Runtime::new(id.clone(), environment)).await.unwrap();
            for source in [HELLO, ASK, WAIT] {
                host.engine.publish_playbook(&me, &id, None, "t.yaml", source.to_owned()).await.unwrap();
            }
        }
        let settings = AuthSettings { api_keys: Some(true), ..AuthSettings::default() };
        host.router = guarded(&host.engine, &settings).await;
        let mut world = Self {
            host,
            keys: BTreeMap::new(),
            waiting: Default::default(),
            steered: String::new(),
            history: String::new(),
        };
        let (waiting, steered) = (world.started().await, world.started().await);
        let open = world.host.engine.pending_interventions(&me, waiting.parse().unwrap()).await.unwrap();
        let export = format!("/api/v1/executions/{waiting}/export");
        world.history =
            Host { router: unguarded(&world.host.engine), ..Host::new().await }.get(&export).await.text;
        world.waiting = (waiting, open[0].intervention.id.to_string());
        world.steered = steered;
        world
    }

    /// An execution that waits for an answer, in production.
    pub async fn started(&self) -> String {
        let request = orgata_engine::StartRequest {
            playbook: "wait".parse().unwrap(),
            input: json!({}),
            idempotency_key: None,
            labels: BTreeMap::new(),
            wait: Some(std::time::Duration::from_secs(10)),
        };
        let runtime = runtime_of(THERE).parse().unwrap();
        let started = self.host.engine.start(&Principal::local(), &runtime, request).await.unwrap();
        started.summary.id.to_string()
    }

    /// The key of a caller, made at the first use.
    pub async fn key(&mut self, who: &Who) -> String {
        let name = who.name();
        if let Some(key) = self.keys.get(&name) {
            return key.clone();
        }
        let mut identity = Identity {
            name: name.as_str().into(),
            kind: who.kind,
            reach: Reach::Environments(who.environments.iter().copied().collect()),
            roles: who
                .role
                .iter()
                .map(|(resource, access)| role_of(*resource, *access).parse().unwrap())
                .collect(),
            scopes: who.scope.map(|(resource, access)| [Scope { resource, access }].into()),
        };
        // Whoever may administer one kind may administer all, unless its proof is for that kind alone.
        if let (Some((resource, Access::Admin)), None) = (who.role, who.scope) {
            identity.scopes = Some([Scope { resource, access: Access::Admin }].into());
        }
        let key = make_key(&self.host.engine, identity).await;
        self.keys.insert(name, key.clone());
        key
    }

    /// A request with this key.
    pub async fn ask(&self, key: &str, method: &str, path: &str, kind: &str, body: String) -> Answer {
        let request = request(method, path).header("authorization", format!("Bearer {key}"));
        self.host.ask(request.header("content-type", kind).body(Body::from(body)).unwrap()).await
    }

    pub async fn post(&self, key: &str, path: &str, body: Value) -> Answer {
        self.ask(key, "POST", path, "application/json", body.to_string()).await
    }

    pub async fn get(&self, key: &str, path: &str) -> Answer {
        self.ask(key, "GET", path, "application/json", String::new()).await
    }
}

/// The routes of a host that asks who calls.
pub async fn guarded(engine: &Engine, settings: &AuthSettings) -> axum::Router {
    let authenticator = Authenticator::on_loopback(settings).await.unwrap();
    let render: orgata_api::RenderMetrics = std::sync::Arc::new(|| "orgata_up 1\n".to_owned());
    Api::guarded(engine.clone(), orgata_api::Settings::default(), authenticator, Some(render)).router()
}

/// The routes of a host that asks nobody.
pub fn unguarded(engine: &Engine) -> axum::Router {
    Api::new(engine.clone(), orgata_api::Settings::default(), None).router()
}

/// A key for this identity, made as `POST /keys` makes it.
pub async fn make_key(engine: &Engine, identity: Identity) -> String {
    let secret = format!("{:0<43}", identity.name.len());
    let hash = *blake3::hash(secret.as_bytes()).as_bytes();
    let new = NewKey { hash, identity, expires_at: None };
    let record = engine.create_key(&Principal::local(), new).await.unwrap();
    format!("orgata_{}_{secret}", record.id.uuid().simple())
}

/// Somebody who may do everything in these environments that holding a role allows.
pub fn identity(name: &str, kind: PrincipalKind, roles: &[&str]) -> Identity {
    Identity {
        name: name.into(),
        kind,
        reach: Reach::Environments(Environment::ALL.into_iter().collect()),
        roles: roles.iter().map(|role| role.parse().unwrap()).collect(),
        scopes: None,
    }
}

pub fn bare(method: &str, path: &str) -> Request<Body> {
    request(method, path).body(Body::empty()).unwrap()
}
