//! Random playbooks that use the whole language, and are right.

use std::fmt::Write as _;

use crate::dice::Dice;

/// Most steps in one, those inside of others included.
const MOST: usize = 16;

/// A playbook in YAML.
pub(crate) fn any_playbook(bytes: &[u8]) -> String {
    let mut writer = Writer { dice: Dice::of(bytes), out: String::new(), steps: 0, loops: 0 };
    writer.out.push_str("name: any\nroles: [clerk, manager]\n");
    if writer.dice.once_in(4) {
        writer.out.push_str("timeout: 500s\n");
    }
    writer.out.push_str("steps:\n");
    writer.body(1, &Seen::default());
    writer.out
}

/// What a step can read.
#[derive(Clone, Default)]
struct Seen {
    /// Steps that are written before it, or beside what is around it.
    steps: Vec<String>,
    /// Whether one of them sets `v`.
    set: bool,
}

struct Writer<'d> {
    dice: Dice<'d>,
    out: String,
    steps: usize,
    loops: usize,
}

impl Writer<'_> {
    /// Steps beside each other. Gives those that others can read from then on.
    fn body(&mut self, depth: usize, seen: &Seen) -> Seen {
        let count = 1 + self.dice.roll(4);
        let names: Vec<String> = (0..count).map(|at| format!("s{}", self.steps + at)).collect();
        self.steps += count;
        let mut seen = seen.clone();
        for (at, name) in names.iter().enumerate() {
            let inside = self.step(depth, name, &names[..at], &names[at + 1..], &seen);
            seen.steps.push(name.clone());
            seen.steps.extend(inside.steps);
            seen.set |= inside.set;
        }
        seen
    }

    fn line(&mut self, depth: usize, text: &str) {
        let _ = writeln!(self.out, "{}{text}", "  ".repeat(depth * 2));
    }

    /// Gives what is inside of it and can be read.
    fn step(&mut self, depth: usize, name: &str, before: &[String], later: &[String], seen: &Seen) -> Seen {
        let _ = writeln!(self.out, "{}- name: {name}", "  ".repeat(depth * 2 - 1));
        match self.dice.roll(8) {
            1 | 2 => self.line(depth, "parallel: true"),
            3 if !before.is_empty() => {
                let named = self.dice.pick(before).cloned().unwrap_or_default();
                self.line(depth, &format!("dependsOn: [{named}]"));
            }
            4 => self.line(depth, "dependsOn: []"),
            _ => {}
        }
        match self.dice.roll(8) {
            1 | 2 => self.line(depth, "onFailure: continue"),
            3 | 4 => self.line(depth, "onFailure: intervene"),
            5 if !later.is_empty() => {
                let to = self.dice.pick(later).cloned().unwrap_or_default();
                self.line(depth, &format!("onFailure: {{ goto: {to} }}"));
            }
            _ => {}
        }
        let looped = self.loops < 2 && self.dice.once_in(5);
        if looped {
            let items = ["[1, 2, 3]", "$input.list", "$input.nothing", "[a]", "[]"];
            let items = self.dice.pick(&items).copied().unwrap_or("[1, 2]");
            self.line(depth, &format!("forEach: {items}"));
            self.line(depth, &format!("as: item{}", self.loops));
            let at_once = 1 + self.dice.roll(3);
            self.line(depth, &format!("maxConcurrency: {at_once}"));
            self.loops += 1;
        }
        self.condition(depth, seen);
        let inside = self.work(depth, name, later, seen);
        if looped {
            self.loops -= 1;
            return Seen::default();
        }
        inside
    }

    fn condition(&mut self, depth: usize, seen: &Seen) {
        let when = match self.dice.roll(10) {
            1 => "input.n > 2".to_owned(),
            2 => "input.n > 200".to_owned(),
            3 if self.loops > 0 => "index != 1".to_owned(),
            4 if !seen.steps.is_empty() => {
                let other = self.dice.pick(&seen.steps).cloned().unwrap_or_default();
                format!("steps.{other}.status == 'succeeded'")
            }
            _ => return,
        };
        self.line(depth, &format!("when: \"{when}\""));
    }

    fn work(&mut self, depth: usize, name: &str, later: &[String], seen: &Seen) -> Seen {
        let room = depth < 4 && self.steps < MOST;
        match self.dice.roll(16) {
            0..=4 => self.operation(depth, name, seen),
            5 => {
                self.line(depth, "playbook: other");
                self.params(depth, seen);
                if self.dice.once_in(2) {
                    self.line(depth, "retries: 1");
                }
            }
            6 | 7 => self.question(depth),
            8 => self.line(depth, "wait: 30s"),
            9 => {
                let timeout = if self.dice.once_in(2) { ", timeout: 60s" } else { "" };
                let matches = if self.dice.once_in(2) { ", match: event.n > 1" } else { "" };
                self.line(depth, &format!("wait: {{ event: paid{matches}{timeout} }}"));
            }
            10 => {
                self.line(depth, "set: { v: $input.n }");
                return Seen { steps: Vec::new(), set: true };
            }
            // A step that always fails must be the last.
            11 if later.is_empty() => self.line(depth, "fail: { code: ON_PURPOSE, message: it fails }"),
            12 | 13 if room => {
                self.line(depth, "steps:");
                return self.body(depth + 1, seen);
            }
            14 | 15 if room => return self.switch(depth, later, seen),
            _ => self.operation(depth, name, seen),
        }
        Seen::default()
    }

    fn operation(&mut self, depth: usize, name: &str, seen: &Seen) {
        self.line(depth, &format!("operation: x/{name}"));
        self.params(depth, seen);
        if self.dice.once_in(3) {
            self.line(depth, "retries: { max: 2, jitter: none }");
        }
        if self.dice.once_in(3) {
            let input = if self.dice.once_in(6) { "$input.missing" } else { "$input.n" };
            self.line(depth, "compensation:");
            self.line(depth + 1, &format!("operation: x/undo-{name}"));
            self.line(depth + 1, &format!("params: {{ n: {input} }}"));
        }
    }

    fn params(&mut self, depth: usize, seen: &Seen) {
        let value = match self.dice.roll(6) {
            1 | 2 if !seen.steps.is_empty() => {
                let other = self.dice.pick(&seen.steps).cloned().unwrap_or_default();
                format!("$steps.{other}.result")
            }
            3 if seen.set => "$vars.v".to_owned(),
            4 if self.loops > 0 => "$index".to_owned(),
            5 => "$input.missing".to_owned(),
            _ => "$input.n".to_owned(),
        };
        self.line(depth, &format!("params: {{ v: {value} }}"));
    }

    fn question(&mut self, depth: usize) {
        let then = ["", ", timeout: { after: 40s }", ", timeout: { after: 40s, answer: yes }"];
        let then = if self.dice.once_in(4) {
            ", timeout: { after: 40s, escalate: manager }"
        } else {
            self.dice.pick(&then).copied().unwrap_or_default()
        };
        let reminders = if self.dice.once_in(3) { ", reminders: 15s" } else { "" };
        let approvals = if self.dice.once_in(3) { ", type: approval, approvals: 2" } else { "" };
        let then = if approvals.is_empty() { then } else { "" };
        self.line(depth, &format!("intervention: {{ prompt: \"Go on?\"{then}{reminders}{approvals} }}"));
    }

    fn switch(&mut self, depth: usize, later: &[String], seen: &Seen) -> Seen {
        self.line(depth, "switch:");
        let mut all = Seen::default();
        let cases = 1 + self.dice.roll(3);
        for case in 0..cases {
            let when = ["input.n > 200", "input.n > 2", "input.n < 2"][self.dice.roll(3)];
            let dash = "  ".repeat(depth * 2 + 1);
            let when = if case + 1 == cases && self.dice.once_in(2) { "true" } else { when };
            let _ = writeln!(self.out, "{dash}- when: {when}");
            if !later.is_empty() && self.dice.once_in(4) {
                let to = self.dice.pick(later).cloned().unwrap_or_default();
                self.line(depth + 1, &format!("goto: {to}"));
            } else {
                self.line(depth + 1, "steps:");
                // Another case may not have run: what is set there may not be set.
                let inside = self.body(depth + 2, &Seen { set: seen.set, steps: seen.steps.clone() });
                all.steps.extend(inside.steps);
            }
        }
        all
    }
}
