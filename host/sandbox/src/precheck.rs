//! A first look at a file, before anything is compiled: whether it is a whole component at all, and what it
//! imports, exports and says of itself. It costs microseconds, so most mistakes are told at once.

use orgata_engine::ports::LoadError;
use orgata_model::text::cut;
use wasmparser::{
    ComponentExternalKind, ComponentName, ComponentNameSectionReader, ComponentTypeRef, CustomSectionReader,
    KnownCustom, Parser, Payload, TypeBounds,
};

use crate::refusal::{Refusal as _, refuse};

/// What the outside of a component shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outline {
    /// Names of imports, sorted.
    pub(crate) imports: Vec<String>,
    /// Names of exported interfaces and functions, in order.
    pub(crate) exports: Vec<String>,
    /// What it calls itself, in its name section.
    pub(crate) name: Option<String>,
    /// The custom section `version`, as `wasm-tools metadata add` writes it.
    pub(crate) version: Option<String>,
    /// The custom section `description`, likewise.
    pub(crate) description: Option<String>,
}

/// Longest text of a custom section that is kept, in bytes.
const MAX_TEXT: usize = 4 * 1024;

const BUILD_HINT: &str = "build it with `cargo build --target wasm32-wasip2`, or make a component of it with \
                          `wasm-tools component new`";

/// Reads the outline of a component.
pub(crate) fn outline(bytes: &[u8]) -> Result<Outline, LoadError> {
    if Parser::is_core_wasm(bytes) {
        let message = "this is a core WebAssembly module, not a component";
        return Err(refuse("NOT_A_COMPONENT", message, BUILD_HINT));
    }
    if !Parser::is_component(bytes) {
        let message = match bytes {
            [] => "the file is empty",
            _ => "this is no WebAssembly component: it does not begin like one",
        };
        return Err(refuse("NOT_A_COMPONENT", message, BUILD_HINT));
    }
    read(bytes).map_err(|error| {
        let hint = "copy or build the file again, and move it into place only when it is whole";
        refuse("NOT_A_COMPONENT", "the component is broken or cut off", hint).because(&error)
    })
}

fn read(bytes: &[u8]) -> Result<Outline, wasmparser::BinaryReaderError> {
    let mut outline = Outline::default();
    // Components nest: only the outermost one's borders are the plugin's.
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports {
                    let import = import?;
                    // A type that exported functions use is named as an import, and asks nothing of the host.
                    if !matches!(import.ty, ComponentTypeRef::Type(TypeBounds::Eq(_))) {
                        outline.imports.push(import.name.name.to_owned());
                    }
                }
            }
            Payload::ComponentExportSection(exports) if depth == 0 => {
                for export in exports {
                    let export = export?;
                    if matches!(export.kind, ComponentExternalKind::Instance | ComponentExternalKind::Func) {
                        outline.exports.push(export.name.name.to_owned());
                    }
                }
            }
            Payload::CustomSection(section) if depth == 0 => outline.note(&section),
            _ => {}
        }
    }
    outline.imports.sort_unstable();
    outline.imports.dedup();
    Ok(outline)
}

impl Outline {
    /// Custom sections never make a component invalid: what cannot be read is passed over.
    fn note(&mut self, section: &CustomSectionReader<'_>) {
        let text = || std::str::from_utf8(section.data()).ok().map(|text| cut(text, MAX_TEXT).to_owned());
        match (section.name(), section.as_known()) {
            ("version", _) => self.version = text(),
            ("description", _) => self.description = text(),
            (_, KnownCustom::ComponentName(names)) => self.name = own_name(names),
            _ => {}
        }
    }
}

fn own_name(names: ComponentNameSectionReader<'_>) -> Option<String> {
    names.into_iter().find_map(|name| match name {
        Ok(ComponentName::Component { name, .. }) => Some(cut(name, MAX_TEXT).to_owned()),
        _ => None,
    })
}
