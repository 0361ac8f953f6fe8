//! Makes plugins of source text: the implementation of the engine's port `Workshop`.
//!
//! [`scaffold`] writes first drafts from `templates/`; [`javascript`] and [`rust`] build, each by a program of its own in a
//! process of its own ([`child`]), in a folder that is gone afterwards ([`sources`]); [`places`] bounds how many at once.
//!
//! Invariants:
//!
//! - Sources are written nowhere but below the build's own folder, whatever they call themselves.
//! - A build ends: by itself, by its limit of time, or because nobody waits for it any more. Its processes end with it.
//! - What strangers wrote runs inside of WebAssembly (JavaScript), or inside of a sandbox of the system's (Rust, whose
//!   build scripts are programs), unless the operator says otherwise.
//!
//! Not here: whether what was built is a plugin, and what it does (`sandbox`); who may build (`engine`).

mod child;
mod javascript;
mod places;
mod refusal;
mod rust;
mod sample;
mod scaffold;
mod settings;
mod sources;

use std::path::Path;

use orgata_engine::ports::{Blueprint, BuildError, Built, Language, SourceFile, Workshop};

use crate::places::Places;
use crate::sources::Folder;

pub use scaffold::{surroundings, whole_folder};
pub use settings::{RustBuilds, Settings};

/// The workshop: compilers, and places to run them.
pub struct Toolbox {
    settings: Settings,
    places: Places,
}

impl Toolbox {
    /// A workshop with these settings. Which compilers there are is looked up when one is needed.
    pub fn new(settings: Settings) -> Self {
        let places = Places::new(&settings);
        Self { settings, places }
    }

    /// Builds the plugin in JavaScript of a folder, where it lies. The folder is only read.
    pub async fn build_folder(&self, folder: &Path) -> Result<Built, BuildError> {
        javascript::build(&self.settings, folder).await
    }
}

#[async_trait::async_trait]
impl Workshop for Toolbox {
    fn scaffold(&self, blueprint: &Blueprint) -> Result<Vec<SourceFile>, BuildError> {
        scaffold::scaffold(blueprint)
    }

    async fn build(&self, language: Language, files: &[SourceFile]) -> Result<Built, BuildError> {
        sources::check(&self.settings, files)?;
        let _place = self.places.take().await?;
        let folder = Folder::with(files)?;
        match language {
            Language::JavaScript => javascript::build(&self.settings, folder.path()).await,
            Language::Rust => rust::build(&self.settings, &folder).await,
        }
    }
}
