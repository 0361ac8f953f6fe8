//! Names that lead out of where they belong: in every path of the interface, and in every body that names something.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use orgata_tests::raw::LastWords;
use orgata_tests::{HostSetup, TestHost};
use serde_json::{Value, json};

use crate::ASK;

/// What nobody must be shown, in a file beside the configuration.
const CANARY: &str = "the-canary-sings-9d1c";

/// As they stand in a path. A library of HTTP would tidy them up before it sends them.
const LEADING_OUT: [&str; 8] = [
    "..",
    "%2e%2e",
    "..%2f..%2fcanary.txt",
    "..%2F..%2F..%2F..%2Fetc%2Fpasswd",
    "..%5c..%5ccanary.txt",
    "%2fetc%2fpasswd",
    "canary.txt%00.yaml",
    "....%2f%2fcanary.txt",
];

async fn host() -> TestHost {
    HostSetup::new().playbook("ask", ASK).file("canary.txt", CANARY).runtime("desk", json!({})).start().await
}

async fn say(host: &TestHost, method: &str, path: &str, body: &str) -> LastWords {
    let mut connection = host.raw().await;
    let kind = "content-type: application/json\r\nconnection: close\r\naccept: application/json";
    let length = body.len();
    connection
        .say(format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{kind}\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
        .await;
    connection.last_words().await
}

/// All files below a folder but the store's own.
fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&path));
        } else if !path.to_string_lossy().contains("orgata.db") {
            found.insert(path.display().to_string());
        }
    }
    found
}

/// Refused as the caller's mistake, with nothing of any file in it.
fn check(what: &str, words: &LastWords) {
    let status = words.status.unwrap_or_else(|| panic!("{what}: no answer"));
    assert!((400..500).contains(&status), "{what}: {}", words.text);
    for leak in [CANARY, "root:x:"] {
        assert!(!words.text.contains(leak), "{what}: {}", words.text);
    }
}

#[tokio::test]
async fn no_name_in_a_path_leads_out_of_where_it_belongs() {
    let host = host().await;
    let before = files(host.folder());
    let document = host.get("/api/openapi.json").await.is(200);
    let mut tried = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let parts: Vec<&str> = path.split('/').collect();
        for (at, _) in parts.iter().enumerate().filter(|(_, part)| part.starts_with('{')) {
            for name in LEADING_OUT {
                let put = |(place, part): (usize, &&str)| match part.strip_prefix('{') {
                    Some(_) if place == at => name.to_owned(),
                    Some(rest) if rest.starts_with("runtimeId") => "desk".to_owned(),
                    Some(_) => "ask".to_owned(),
                    None => (*part).to_owned(),
                };
                let asked: Vec<String> = parts.iter().enumerate().map(put).collect();
                for method in methods.as_object().unwrap().keys().filter(|key| *key != "parameters") {
                    let (method, asked) = (method.to_uppercase(), asked.join("/"));
                    check(&format!("{method} {asked}"), &say(&host, &method, &asked, "{}").await);
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 300, "{tried} requests are not all of them");
    assert_eq!(files(host.folder()), before, "no file came or went");
}

#[tokio::test]
async fn no_name_in_a_body_leads_out_of_where_it_belongs() {
    let host = host().await;
    let before = files(host.folder());
    for name in ["../../canary.txt", "/etc/passwd", "..", "a/../../canary", "..\\canary.txt", "canary.txt\0"]
    {
        let build = |file: &str| json!({ "language": "javascript", "files": [{ "path": file, "content": "export {}" }] });
        let bodies: [(&str, String, Value); 8] = [
            ("a draft", "/api/v1/drafts/scaffold".into(), json!({ "name": name, "language": "javascript" })),
            ("a file of a draft", "/api/v1/drafts".into(), build(name)),
            (
                "a runtime",
                "/api/v1/runtimes".into(),
                json!({ "runtimeId": name, "environment": "development" }),
            ),
            (
                "a plugin of a runtime",
                "/api/v1/runtimes".into(),
                json!({ "runtimeId": "x", "environment": "development", "plugins": [name] }),
            ),
            (
                "a playbook to start",
                "/api/v1/runtimes/desk/executions".into(),
                json!({ "playbookName": name }),
            ),
            (
                "a scenario",
                "/api/v1/runtimes/desk/playbooks/ask/simulate".into(),
                json!({ "scenario": name }),
            ),
            (
                "a recorded execution",
                "/api/v1/runtimes/desk/playbooks/ask/simulate".into(),
                json!({ "recorded": [name] }),
            ),
            (
                "a playbook to check",
                "/api/v1/runtimes/desk/playbooks/check".into(),
                json!({ "source": format!("name: {name:?}\nsteps: []\n") }),
            ),
        ];
        for (what, path, body) in bodies {
            let words = say(&host, "POST", &path, &body.to_string()).await;
            match what {
                // Checking tells what is wrong, which is no refusal.
                "a playbook to check" if words.status == Some(200) => {
                    assert!(
                        words.text.contains("\"valid\":false") || words.text.contains("problems"),
                        "{}",
                        words.text
                    );
                }
                _ => check(&format!("{what}: {name:?}"), &words),
            }
        }
        let operation =
            format!("name: out\nsteps:\n  - {{ name: a, operation: {:?} }}\n", format!("{name}/{name}"));
        let child = format!("name: out\nsteps:\n  - {{ name: a, playbook: {name:?} }}\n");
        for source in [operation, child] {
            let body = json!({ "source": source }).to_string();
            let words = say(&host, "PUT", "/api/v1/runtimes/desk/playbooks/out", &body).await;
            check(&format!("a playbook with {name:?}"), &words);
        }
    }
    assert_eq!(files(host.folder()), before, "no file came or went");
}
