//! The exported functions of a plain component, as operations.
//!
//! A function at the root is named as it is; one of an exported interface by its own name where that is
//! unique in the component, else `interface.function`, else with the whole name of the interface. A
//! component with a function that cannot be an operation is refused: one that is half there would surprise.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use orgata_engine::ports::LoadError;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex};

use super::schema;
use super::shape::{Budget, Shape};
use crate::describe;
use crate::refusal::refuse;

/// One exported function.
pub(crate) struct Function {
    /// The operation's name.
    pub(crate) name: Arc<str>,
    pub(crate) index: ComponentExportIndex,
    pub(crate) params: Vec<(String, Shape)>,
    /// What it returns, as declared.
    pub(crate) result: Option<Shape>,
}

/// A function whose operation has no name yet.
struct Found {
    interface: Option<String>,
    function: String,
    index: ComponentExportIndex,
    params: Vec<(String, Shape)>,
    result: Option<Shape>,
}

/// All exported functions, in order of their operations' names.
pub(crate) fn all(component: &Component) -> Result<Vec<Function>, LoadError> {
    let found = find(component)?;
    describe::check_count(found.len())?;
    let mut functions = named(found);
    functions.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(functions)
}

fn find(component: &Component) -> Result<Vec<Found>, LoadError> {
    let (ty, engine) = (component.component_type(), component.engine());
    let mut budget = Budget::new();
    let mut found = Vec::new();
    for (name, export) in ty.exports(engine) {
        match export.ty {
            ComponentItem::ComponentFunc(function) => {
                let index = component.get_export_index(None, name);
                found.extend(of(None, name, &function, index, &mut budget)?);
            }
            ComponentItem::ComponentInstance(interface) => {
                let instance = component.get_export_index(None, name);
                for (function, item) in interface.exports(engine) {
                    if let ComponentItem::ComponentFunc(ty) = item.ty {
                        let index = component.get_export_index(instance.as_ref(), function);
                        found.extend(of(Some(name), function, &ty, index, &mut budget)?);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

fn of(
    interface: Option<&str>,
    name: &str,
    ty: &ComponentFunc,
    index: Option<ComponentExportIndex>,
    budget: &mut Budget,
) -> Result<Option<Found>, LoadError> {
    let Some(index) = index else { return Ok(None) };
    let unusable = |why: &dyn fmt::Display| {
        let message = format!("its function {name} cannot be an operation: {why}");
        let hint = "export functions of plain values, or the interface orgata:plugin/operations";
        refuse("WRONG_EXPORTS", message, hint)
    };
    if ty.async_() {
        return Err(unusable(&"it is asynchronous"));
    }
    let mut params = Vec::new();
    for (param, ty) in ty.params() {
        params.push((param.to_owned(), Shape::of(&ty, budget).map_err(|why| unusable(&why))?));
    }
    let result =
        ty.results().next().map(|ty| Shape::of(&ty, budget)).transpose().map_err(|why| unusable(&why))?;
    Ok(Some(Found {
        interface: interface.map(str::to_owned),
        function: name.to_owned(),
        index,
        params,
        result,
    }))
}

fn named(found: Vec<Found>) -> Vec<Function> {
    let names: Vec<[String; 3]> = found.iter().map(Found::names).collect();
    let count = |choice: usize| {
        let mut count: BTreeMap<&str, usize> = BTreeMap::new();
        for name in names.iter().filter_map(|names| names.get(choice)) {
            *count.entry(name).or_default() += 1;
        }
        count
    };
    let counts = [count(0), count(1)];
    let chosen: Vec<Arc<str>> = names
        .iter()
        .map(|[short, longer, whole]| match &counts {
            [shorts, _] if shorts.get(short.as_str()) == Some(&1) => short.as_str().into(),
            [_, longers] if longers.get(longer.as_str()) == Some(&1) => longer.as_str().into(),
            _ => whole.as_str().into(),
        })
        .collect();
    let function = |(found, name): (Found, Arc<str>)| Function {
        name,
        index: found.index,
        params: found.params,
        result: found.result,
    };
    found.into_iter().zip(chosen).map(function).collect()
}

impl Found {
    /// What the operation may be called, shortest first.
    fn names(&self) -> [String; 3] {
        let function = &self.function;
        let Some(interface) = &self.interface else {
            return [function.clone(), function.clone(), function.clone()];
        };
        let unversioned = interface.split('@').next().unwrap_or(interface);
        let last = unversioned.rsplit('/').next().unwrap_or(unversioned);
        let whole = unversioned.replace([':', '/'], ".");
        [function.clone(), format!("{last}.{function}"), format!("{whole}.{function}")]
    }
}

impl Function {
    /// The schema of the operation's input: an object of the parameters.
    pub(crate) fn input_schema(&self) -> serde_json::Value {
        schema::object(self.params.iter().map(|(name, shape)| (name.as_str(), shape)))
    }

    /// The schema of the operation's output. The error of a `result` is a failure of the operation.
    pub(crate) fn output_schema(&self) -> serde_json::Value {
        match &self.result {
            None | Some(Shape::Result { ok: None, .. }) => schema::nothing(),
            Some(Shape::Result { ok: Some(ok), .. }) => ok.schema(),
            Some(shape) => shape.schema(),
        }
    }
}

impl fmt::Display for Function {
    /// As in WIT.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let params: Vec<_> = self.params.iter().map(|(name, shape)| format!("{name}: {shape}")).collect();
        write!(f, "{}: func({})", self.name, params.join(", "))?;
        match &self.result {
            Some(result) => write!(f, " -> {result}"),
            None => Ok(()),
        }
    }
}
