//! Plain components (being written).
use serde_json::Value;
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};
use orgata_engine::ports::LoadError;
use orgata_model::Failure;
use orgata_model::operation::EffectClass;
use crate::describe::Metadata;
use crate::guest::Guest;
use crate::version::Code;
pub(crate) struct PlainCode { pub(crate) pre: InstancePre<Guest> }
impl PlainCode {
    pub(crate) fn new(_: &wasmtime::Engine, pre: InstancePre<Guest>) -> Result<Self, LoadError> { Ok(Self{pre}) }
    pub(crate) fn metadata(&self, _: &[u8], _: Option<&str>, _: EffectClass, _: Vec<String>) -> Result<Metadata, LoadError> {
        Err(crate::refusal::refuse("WRONG_EXPORTS", "plain components are not supported yet", ""))
    }
}
pub(crate) enum CallError { }
pub(crate) fn failure(e: CallError) -> Failure { match e {} }
pub(crate) async fn call(_code: &Code, _instance: &Instance, _store: &mut Store<Guest>, _at: usize, _input: &Value) -> wasmtime::Result<Result<Value, CallError>> {
    wasmtime::bail!("not yet")
}
