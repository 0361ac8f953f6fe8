//! A playbook as a picture: in Mermaid's language, or in Graphviz's.

use std::fmt::Write as _;

use super::{OnFailure, Playbook, Step, Wait, Work};
use crate::duration;

/// A language for pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// For Markdown and web pages.
    Mermaid,
    /// For Graphviz.
    Dot,
}

impl Playbook {
    /// The steps, what is inside of what, and what waits for what.
    pub fn graph(&self, language: Language) -> String {
        let mut graph = Graph { playbook: self, language, out: String::new() };
        graph.whole();
        graph.out
    }
}

struct Graph<'p> {
    playbook: &'p Playbook,
    language: Language,
    out: String,
}

impl Graph<'_> {
    fn line(&mut self, depth: usize, text: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.out, "{:width$}{text}", "", width = depth * 2);
    }

    fn whole(&mut self) {
        match self.language {
            Language::Mermaid => self.line(0, "flowchart TD"),
            Language::Dot => {
                self.line(0, &format!("digraph \"{}\" {{", self.playbook.name));
                self.line(1, "compound=true; node [fontname=\"sans-serif\"];");
            }
        }
        for at in self.playbook.inside(None) {
            self.step(at, 1);
        }
        for (at, step) in self.playbook.steps.iter().enumerate() {
            for need in &step.needs {
                self.edge(*need, at, None);
            }
            self.jumps(at, step);
        }
        if self.language == Language::Dot {
            self.line(0, "}");
        }
    }

    fn step(&mut self, at: usize, depth: usize) {
        let Some(step) = self.playbook.steps.get(at) else { return };
        let inside: Vec<usize> = self.playbook.inside(Some(at)).collect();
        let label = label(step);
        match (self.language, inside.is_empty()) {
            (Language::Mermaid, true) => {
                let text = label.join("<br/>");
                let (open, close) = match &step.work {
                    Work::Intervention(_) => ("{{\"", "\"}}"),
                    Work::Switch(_) => ("{\"", "\"}"),
                    Work::Wait(_) => ("([\"", "\"])"),
                    Work::Playbook { .. } => ("[[\"", "\"]]"),
                    _ => ("[\"", "\"]"),
                };
                self.line(depth, &format!("s{at}{open}{text}{close}"));
            }
            (Language::Dot, true) => {
                let shape = match &step.work {
                    Work::Intervention(_) => "hexagon",
                    Work::Switch(_) => "diamond",
                    Work::Playbook { .. } => "component",
                    _ => "box",
                };
                self.line(depth, &format!("s{at} [shape={shape}, label=\"{}\"];", label.join("\\n")));
            }
            (Language::Mermaid, false) => {
                self.line(depth, &format!("subgraph s{at}[\"{}\"]", label.join(" ")))
            }
            (Language::Dot, false) => {
                self.line(depth, &format!("subgraph cluster_s{at} {{"));
                self.line(depth + 1, &format!("label=\"{}\";", label.join("\\n")));
                // An edge to a group leads to this point in it.
                self.line(depth + 1, &format!("s{at} [shape=point, style=invis];"));
            }
        }
        for inner in &inside {
            self.step(*inner, depth + 1);
        }
        match (self.language, inside.is_empty()) {
            (_, true) => {}
            (Language::Mermaid, false) => self.line(depth, "end"),
            (Language::Dot, false) => self.line(depth, "}"),
        }
    }

    /// Ways that are not the order of the steps.
    fn jumps(&mut self, at: usize, step: &Step) {
        if let OnFailure::Goto(to) = step.on_failure {
            self.edge(at, to, Some("on failure"));
        }
        if let Work::Switch(cases) = &step.work {
            for (number, case) in cases.iter().enumerate() {
                let label =
                    if case.when.is_some() { format!("case {}", number + 1) } else { "otherwise".to_owned() };
                case.goto.into_iter().for_each(|to| self.edge(at, to, Some(&label)));
            }
        }
    }

    fn edge(&mut self, from: usize, to: usize, label: Option<&str>) {
        let line = match (self.language, label) {
            (Language::Mermaid, None) => format!("s{from} --> s{to}"),
            (Language::Mermaid, Some(label)) => format!("s{from} -. {label} .-> s{to}"),
            (Language::Dot, None) => format!("s{from} -> s{to}{};", self.ends(from, to, "")),
            (Language::Dot, Some(label)) => {
                format!(
                    "s{from} -> s{to}{};",
                    self.ends(from, to, &format!("style=dashed, label=\"{label}\""))
                )
            }
        };
        self.line(1, &line);
    }

    /// Attributes of an edge; one at a group ends at its border.
    fn ends(&self, from: usize, to: usize, more: &str) -> String {
        let group = |at: usize| self.playbook.inside(Some(at)).next().is_some();
        let mut attributes: Vec<String> = Vec::new();
        attributes.extend(group(from).then(|| format!("ltail=cluster_s{from}")));
        attributes.extend(group(to).then(|| format!("lhead=cluster_s{to}")));
        attributes.extend((!more.is_empty()).then(|| more.to_owned()));
        if attributes.is_empty() { String::new() } else { format!(" [{}]", attributes.join(", ")) }
    }
}

/// What stands in a step's box. Names and operations have no characters that either language would read otherwise.
fn label(step: &Step) -> Vec<String> {
    let mut lines = vec![step.name.to_string()];
    lines.extend(match &step.work {
        Work::Operation { operation, .. } => Some(operation.to_string()),
        Work::Intervention(_) => {
            Some(step.role.as_ref().map_or_else(|| "asks".to_owned(), |role| format!("asks {role}")))
        }
        Work::Playbook { playbook, .. } => Some(format!("playbook {playbook}")),
        Work::Wait(Wait::For(time)) => Some(format!("waits {}", duration::format(*time))),
        Work::Wait(Wait::Event { event, .. }) => {
            let plain: String =
                event.chars().filter(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_')).collect();
            Some(format!("waits for {plain}"))
        }
        Work::Wait(_) => Some("waits for a time".to_owned()),
        Work::Fail { code, .. } => Some(format!("fails: {code}")),
        Work::Set(_) => Some("sets".to_owned()),
        Work::Group | Work::Switch(_) | Work::NotAvailable(_) => None,
    });
    lines.extend(step.each.as_ref().map(|each| format!("for each {}, {} at once", each.name, each.at_once)));
    lines.extend(step.when.as_ref().map(|_| "if its condition holds".to_owned()));
    lines.extend(step.compensation.as_ref().map(|_| "can be undone".to_owned()));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = r"
name: shop
steps:
  - { name: reserve, operation: stock/reserve, compensation: { operation: stock/release } }
  - { name: charge, operation: bank/charge, onFailure: { goto: tell } }
  - name: ship
    steps:
      - { name: pack, forEach: [1, 2], operation: stock/pack }
      - { name: approve, role: boss, intervention: { prompt: Send it? } }
  - { name: tell, when: input.mail, operation: mail/send }
";

    #[test]
    fn steps_groups_and_ways_are_drawn() {
        let playbook = Playbook::parse("shop.yaml", SHOP).unwrap();
        let mermaid = playbook.graph(Language::Mermaid);
        for line in [
            "flowchart TD",
            "s0[\"reserve<br/>stock/reserve<br/>can be undone\"]",
            "subgraph s2[\"ship\"]",
            "s3[\"pack<br/>stock/pack<br/>for each item, 1 at once\"]",
            "s4{{\"approve<br/>asks boss\"}}",
            "s1 -. on failure .-> s5",
            "s3 --> s4",
            "s2 --> s5",
        ] {
            assert!(mermaid.lines().any(|found| found.trim() == line), "{line}\n{mermaid}");
        }
        let dot = playbook.graph(Language::Dot);
        assert!(dot.contains("s2 -> s5 [ltail=cluster_s2];"), "{dot}");
        assert_eq!(dot.matches('{').count(), dot.matches('}').count(), "{dot}");
    }
}
