//! `cargo xtask schema`: the files that are generated from the host's own types.
//!
//! They are committed, so that editors and client generators find them without building anything;
//! `--check` is how CI knows that nobody forgot.

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::{child, repo, test};

/// What is generated, and by which `orgata schema …`.
const FILES: [(&str, &str); 3] = [
    ("playbook", "playbooks/playbook.schema.json"),
    ("scenario", "playbooks/scenario.schema.json"),
    ("openapi", "openapi.json"),
];

/// What `schema` takes.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Args {
    /// Change nothing; fail when a committed file is not what would be written.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Writes the files, or checks them.
pub(crate) fn run(args: Args) -> Result<()> {
    test::build_host()?;
    let mut stale = Vec::new();
    for (name, file) in FILES {
        let mut ask = child::command(repo::debug_binary(), &repo::root(), &["schema", name]);
        let fresh = child::output(&mut ask)?;
        if fresh.trim().is_empty() {
            bail!("{} printed nothing", child::line(&ask));
        }
        let path = repo::root().join(file);
        if args.check {
            // An absent file is as stale as a changed one.
            let committed = fs::read_to_string(&path).unwrap_or_default();
            stale.extend(difference(file, &committed, &fresh));
        } else {
            fs::write(&path, fresh).with_context(|| format!("cannot write {file}"))?;
        }
    }
    if !stale.is_empty() {
        bail!("{}\nRun `cargo xtask schema` and commit what it writes.", stale.join("\n"));
    }
    Ok(())
}

/// Where the two part, or nothing when they are the same.
fn difference(file: &str, committed: &str, fresh: &str) -> Option<String> {
    if committed == fresh {
        return None;
    }
    let same = committed.lines().zip(fresh.lines()).take_while(|(old, new)| old == new).count();
    let line = |text: &str| text.lines().nth(same).unwrap_or("(end of file)").trim().to_owned();
    Some(format!(
        "{file}:{}: not current\n  committed: {}\n  generated: {}",
        same + 1,
        line(committed),
        line(fresh)
    ))
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn the_first_line_that_differs_is_shown() {
        let told = difference("a.json", "{\n  1\n}\n", "{\n  2\n}\n").unwrap();
        assert_eq!(told, "a.json:2: not current\n  committed: 1\n  generated: 2");
        assert_eq!(difference("a.json", "{}\n", "{}\n"), None);
    }

    #[test]
    fn a_file_that_is_absent_is_not_current() {
        assert!(difference("a.json", "", "{}\n").unwrap().contains("committed: (end of file)"));
    }
}
