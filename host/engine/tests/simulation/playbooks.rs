//! Random playbooks of the whole language, as the model's tests write them, with operations of this world.

use crate::random_playbooks::any_playbook;
use crate::rng::Rng;

/// Three playbooks, of which the last can run the second, and that the first.
pub(crate) fn any_playbooks(dice: &mut Rng) -> [String; 3] {
    let leaf =
        "name: leaf\nsteps:\n  - { name: only, operation: mail/put, params: { v: $input.v }, retries: 1 }\n";
    let other = any_playbook(&dice.bytes(60));
    let story = any_playbook(&dice.bytes(260));
    [leaf.to_owned(), dressed(&other, "other", "leaf", dice), dressed(&story, "story", "other", dice)]
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
            "name: any" => format!("name: {name}"),
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
    format!("operation: {name}{timeout}")
}
