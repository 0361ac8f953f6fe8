//! Operations written over REST: scaffolded, built, validated, tested, loaded.

use serde_json::{Value, json};

use crate::host::TestHost;
use crate::http::Reply;

/// The source text of a plugin, file by file.
#[derive(Debug, Clone)]
pub struct Sources {
    /// `javascript` or `rust`.
    pub language: String,
    /// Name and text.
    pub files: Vec<(String, String)>,
}

impl Sources {
    /// One module of JavaScript, and nothing else.
    pub fn module(text: &str) -> Self {
        Self { language: "javascript".to_owned(), files: vec![("plugin.js".to_owned(), text.to_owned())] }
    }

    /// The same with another file, or another text for one.
    #[must_use]
    pub fn with(mut self, name: &str, text: &str) -> Self {
        self.files.retain(|(other, _)| other != name);
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// The text of a file.
    pub fn text(&self, name: &str) -> &str {
        let file = self.files.iter().find(|(other, _)| other == name);
        file.map(|(_, text)| text.as_str()).unwrap_or_else(|| panic!("no file {name} in {self:?}"))
    }

    /// As they are sent.
    pub fn body(&self) -> Value {
        let files: Vec<_> =
            self.files.iter().map(|(path, text)| json!({ "path": path, "text": text })).collect();
        json!({ "language": self.language, "files": files })
    }
}

impl TestHost {
    /// First source text of an operation.
    pub async fn scaffold(&self, wish: Value) -> Sources {
        let language = wish["language"].as_str().expect("a language is named").to_owned();
        let body = self.post("/api/v1/drafts/scaffold", wish).await.is(200);
        let text = |value: &Value| value.as_str().expect("files are texts").to_owned();
        let files = body["files"].as_array().expect("files are a list").iter();
        Sources { language, files: files.map(|file| (text(&file["path"]), text(&file["text"]))).collect() }
    }

    /// Builds a draft.
    pub async fn build(&self, sources: &Sources) -> Reply {
        self.post("/api/v1/drafts", sources.body()).await
    }

    /// Builds a draft that is known to build; gives its digest.
    pub async fn built(&self, sources: &Sources) -> String {
        let draft = self.build(sources).await.is(201);
        draft["digest"].as_str().expect("a draft has a digest").to_owned()
    }

    /// What is known of a draft.
    pub async fn validate(&self, digest: &str) -> Value {
        self.get(&format!("/api/v1/drafts/{digest}")).await.is(200)
    }

    /// Tests a draft.
    pub async fn test(&self, digest: &str, with: Value) -> Value {
        self.post(&format!("/api/v1/drafts/{digest}/test"), with).await.is(200)
    }

    /// Loads a draft.
    pub async fn load(&self, digest: &str, how: Value) -> Reply {
        self.post(&format!("/api/v1/drafts/{digest}/load"), how).await
    }
}
