//! Random playbooks of the whole language, as the model's tests write them, with operations of this world.

use crate::random_playbooks::any_playbook;
use crate::rng::Rng;

/// The playbook that starts by itself.
pub(crate) const TIMELY: &str = "timely";

/// Three playbooks, of which the last can run the second, and that the first; and now and then one that starts by itself.
pub(crate) fn any_playbooks(dice: &mut Rng) -> Vec<String> {
    let leaf =
        "name: leaf\nsteps:\n  - { name: only, operation: mail/put, params: { v: $input.v }, retries: 1 }\n";
    let other = any_playbook(&dice.bytes(60));
    let story = any_playbook(&dice.bytes(260));
    let (other, story) = (dressed(&other, "other", "leaf", dice), dressed(&story, "story", "other", dice));
    let mut all = vec![leaf.to_owned(), other, story];
    all.extend(dice.once_in(4).then(|| timely(dice)));
    all
}

/// One with a schedule, whose runs may be longer than the time between two of them.
fn timely(dice: &mut Rng) -> String {
    let cron = dice.pick(&["*/2 * * * *", "*/5 * * * *", "*/7 * * * *"]).unwrap();
    let overlap = dice.pick(&["skip", "queue", "allow"]).unwrap();
    let missed = dice.pick(&["skip", "once", "all"]).unwrap();
    let operation = dice.pick(&["calc/echo", "mail/put", "mail/send"]).unwrap();
    let rest = dice.pick(&[
        "",
        "  - { name: rest, wait: 3m }\n",
        "  - { name: ask, intervention: { prompt: Well?, timeout: { after: 4m, answer: yes } } }\n",
    ]);
    format!(
        "name: {TIMELY}\nschedule: {{ cron: \"{cron}\", overlap: {overlap}, missed: {missed}, input: {{ v: 7 }} }}\n{}steps:\n  \
         - {{ name: first, operation: {operation}, params: {{ v: $input.v }}, timeout: 20s }}\n{}",
        kept(dice),
        rest.unwrap()
    )
}

fn kept(dice: &mut Rng) -> &'static str {
    dice.pick(&["", "", "retention: 4m\n"]).unwrap()
}

/// How executions of a playbook stand to each other.
fn rules(dice: &mut Rng) -> String {
    let mut rules = String::new();
    if dice.once_in(3) {
        let key = dice.pick(&["key: $input.n, ", ""]).unwrap();
        let strategy = dice.pick(&["queue", "queue", "reject", "cancelOldest"]).unwrap();
        let max = 1 + dice.roll(2);
        rules.push_str(&format!("\nconcurrency: {{ {key}max: {max}, strategy: {strategy} }}"));
    }
    let priority = dice.pick(&["", "", "\npriority: low", "\npriority: high"]).unwrap();
    rules.push_str(priority);
    rules
}

/// The playbook under this name, with operations of this world; what it runs is `child`.
fn dressed(source: &str, name: &str, child: &str, dice: &mut Rng) -> String {
    let mut dressed = String::new();
    let mut runs_child = false;
    let parental = dice.once_in(3);
    for (at, line) in source.lines().enumerate() {
        let indent = &line[..line.len() - line.trim_start().len()];
        let text = line.trim_start();
        let text = match text {
            "name: any" => format!("name: {name}{}", rules(dice)),
            "playbook: other" => format!("playbook: {child}"),
            _ if text.starts_with("operation: x/undo-") => "operation: mail/undo".to_owned(),
            _ if text.starts_with("operation: x/") => {
                let mut rest = source.lines().skip(at).take_while(|line| line.starts_with(indent));
                let undone = rest.any(|line| line.trim_start().starts_with("compensation"));
                match parental && !undone && dice.once_in(2) {
                    true => format!("playbook: {child}"),
                    false => operation(indent, dice),
                }
            }
            _ if runs_child => text.replace("{ v: ", "{ n: 3, list: [1, 2], nothing: null, v: "),
            text => text.to_owned(),
        };
        runs_child = text.starts_with("playbook:");
        dressed.push_str(&format!("{indent}{text}\n"));
    }
    dressed
}

fn operation(indent: &str, dice: &mut Rng) -> String {
    let names = ["calc/echo", "calc/ask", "look/see", "mail/send", "mail/send", "mail/put", "mail/confirm"];
    let name = dice.pick(&names).unwrap();
    let timeout = if dice.once_in(4) { format!("\n{indent}timeout: 20s") } else { String::new() };
    let turn = dice.pick(&["", "", "", "till", "$input.n"]).unwrap();
    let turn = if turn.is_empty() { String::new() } else { format!("\n{indent}concurrencyKey: {turn}") };
    format!("operation: {name}{timeout}{turn}")
}
