//! What runs when: from the order written, `parallel`, `dependsOn` and what steps read.
//!
//! A step waits for all that is written before it in its group; with `parallel` it begins beside the step
//! before it; with `dependsOn` it waits for those steps alone. Whatever it reads it waits for besides.

use std::collections::BTreeMap;

use crate::ids::StepName;
use crate::playbook::file::At;
use crate::playbook::nearest::nearest;
use crate::playbook::{OnFailure, Work};

use super::{Check, Draft, Reader};

/// What must end before what begins. Two nodes a step: its beginning (`2 * at`) and its end.
struct Graph {
    after: Vec<Vec<usize>>,
}

impl Graph {
    fn of(drafts: &[Draft]) -> Self {
        let mut after = vec![Vec::new(); drafts.len() * 2];
        for (at, draft) in drafts.iter().enumerate() {
            let inside =
                draft.place.parent.map(|parent| [(2 * parent, 2 * at), (2 * at + 1, 2 * parent + 1)]);
            for (from, to) in inside.into_iter().flatten().chain([(2 * at, 2 * at + 1)]) {
                after.get_mut(from).into_iter().for_each(|after| after.push(to));
            }
        }
        Self { after }
    }

    /// `at` begins after `need` has ended.
    fn add(&mut self, at: usize, need: usize) {
        self.after.get_mut(2 * need + 1).into_iter().for_each(|after| after.push(2 * at));
    }

    /// Whether `at` must have begun before `need` ends: then it cannot wait for it.
    fn leads(&self, at: usize, need: usize) -> bool {
        let mut seen = vec![false; self.after.len()];
        let mut open = vec![2 * at];
        while let Some(node) = open.pop() {
            if node == 2 * need + 1 {
                return true;
            }
            if seen.get_mut(node).is_none_or(|seen| std::mem::replace(seen, true)) {
                continue;
            }
            open.extend(self.after.get(node).into_iter().flatten());
        }
        false
    }
}

impl Graph {
    /// The shortest circle of steps that wait for each other, from this one on: who waits for whom.
    fn circle(&self, at: usize) -> Option<Vec<(usize, usize)>> {
        let (begin, end) = (2 * at, 2 * at + 1);
        let mut from: Vec<Option<usize>> = vec![None; self.after.len()];
        let mut open = std::collections::VecDeque::from([end]);
        while let Some(node) = open.pop_front() {
            for next in self.after.get(node).into_iter().flatten().copied() {
                if next == begin {
                    let mut waits = Vec::new();
                    let (mut later, mut earlier) = (next, node);
                    loop {
                        // From an end to a beginning: one waits for the other. All else is inside of something.
                        if earlier % 2 == 1 && later % 2 == 0 {
                            waits.push((later / 2, earlier / 2));
                        }
                        if earlier == end {
                            return Some(waits);
                        }
                        (later, earlier) = (earlier, from.get(earlier).copied().flatten()?);
                    }
                }
                if let Some(seen @ None) = from.get_mut(next)
                    && next != end
                {
                    *seen = Some(node);
                    open.push_back(next);
                }
            }
        }
        None
    }
}

impl Check {
    /// Gives every step its needs, or says why it cannot have them. `output` is what the playbook's output reads.
    pub(super) fn order(&mut self, output: &[Reader]) {
        let names: BTreeMap<StepName, usize> =
            self.drafts.iter().enumerate().rev().map(|(at, draft)| (draft.name.value.clone(), at)).collect();
        let mut graph = Graph::of(&self.drafts);
        let mut needs: Vec<Vec<usize>> = vec![Vec::new(); self.drafts.len()];
        for body in self.bodies() {
            self.written(&body, &names, &mut needs);
            self.never_reached(&body);
        }
        for (at, needs) in needs.iter().enumerate() {
            needs.iter().for_each(|need| graph.add(at, *need));
        }
        self.circles(&graph);
        for at in 0..self.drafts.len() {
            let Some(draft) = self.drafts.get_mut(at) else { continue };
            let (before, after) = (std::mem::take(&mut draft.readers), std::mem::take(&mut draft.after));
            for reader in &before {
                self.reads_of(at, reader, false, &names, &mut graph, &mut needs);
            }
            for reader in &after {
                self.reads_of(at, reader, true, &names, &mut graph, &mut needs);
            }
            if let Some(draft) = self.drafts.get_mut(at) {
                (draft.readers, draft.after) = (before, after);
            }
        }
        for reader in output {
            self.known(None, reader, &names);
        }
        for at in 0..self.drafts.len() {
            self.gotos(at, &names);
        }
        for (draft, mut needs) in self.drafts.iter_mut().zip(needs) {
            needs.sort_unstable();
            needs.dedup();
            if let Some(step) = &mut draft.step {
                step.needs = needs;
            }
        }
    }

    /// Steps that stand beside each other, in the order written.
    fn bodies(&self) -> Vec<Vec<usize>> {
        let mut bodies: BTreeMap<(Option<usize>, usize), Vec<usize>> = BTreeMap::new();
        for (at, draft) in self.drafts.iter().enumerate() {
            bodies.entry((draft.place.parent, draft.place.case)).or_default().push(at);
        }
        bodies.into_values().collect()
    }

    /// What each step of one body waits for, as it is written.
    fn written(&mut self, body: &[usize], names: &BTreeMap<StepName, usize>, needs: &mut [Vec<usize>]) {
        // Whoever waits for these waits for everything so far.
        let mut front: Vec<usize> = Vec::new();
        let mut before: Vec<usize> = Vec::new();
        for at in body.iter().copied() {
            let Some(draft) = self.drafts.get(at) else { continue };
            let own: Vec<usize> = match (draft.depends_on.clone(), draft.parallel) {
                (Some(named), _) => {
                    let own = self.named(at, &named, names);
                    front.retain(|earlier| !own.contains(earlier));
                    front.push(at);
                    own
                }
                (None, true) => {
                    front.push(at);
                    before.clone()
                }
                (None, false) => std::mem::replace(&mut front, vec![at]),
            };
            before.clone_from(&own);
            if let Some(needs) = needs.get_mut(at) {
                *needs = own;
            }
        }
    }

    /// The places of the steps that `dependsOn` names.
    fn named(&mut self, at: usize, named: &[At<StepName>], names: &BTreeMap<StepName, usize>) -> Vec<usize> {
        let mut found = Vec::new();
        let path = self.drafts.get(at).map(|draft| format!("{}.dependsOn", draft.path)).unwrap_or_default();
        for name in named {
            match names.get(&name.value) {
                Some(need) if self.sees(at, *need) => found.push(*need),
                Some(need) => self.out_of_sight(name, *need, Some(at), &path),
                None => {
                    let hint = nearest(name.value.as_str(), names.keys().map(StepName::as_str));
                    self.tell(name.place, &path, format!("there is no step `{}`", name.value), hint);
                }
            }
        }
        found
    }

    /// Whether a step can wait for another, and read it: it is not around it, nor in a loop that the first is not in.
    fn sees(&self, at: usize, need: usize) -> bool {
        let (Some(own), Some(other)) = (self.drafts.get(at), self.drafts.get(need)) else { return false };
        let around = need <= at && at < other.place.end;
        let inside = at < need && need < own.place.end;
        !around && !inside && own.loops.starts_with(&other.loops)
    }

    /// Why a step can neither wait for another nor read it. `at`: the step; absent for the playbook's output.
    fn out_of_sight(&mut self, name: &At<StepName>, need: usize, at: Option<usize>, path: &str) {
        let other = &name.value;
        let does = if path.ends_with(".dependsOn") { "wait for" } else { "read" };
        let draft = |at: usize| self.drafts.get(at);
        let own = at.and_then(draft).map(|draft| draft.loops.as_slice()).unwrap_or_default();
        let foreign = draft(need).and_then(|need| need.loops.iter().find(|around| !own.contains(around)));
        let looped = foreign.filter(|around| Some(**around) != at).and_then(|around| draft(*around));
        let contains = |outer: Option<usize>, inner: Option<usize>| {
            let end = outer.and_then(draft).map_or(0, |outer| outer.place.end);
            outer < inner && inner.is_some_and(|inner| inner < end)
        };
        let (message, hint) = match looped.map(|looped| &looped.name.value) {
            Some(around) => (
                format!("step `{other}` is inside of the loop `{around}`, which has many of it"),
                match does {
                    "read" => {
                        format!("write $steps.{around}.result: a list with the result of each iteration")
                    }
                    _ => format!("name the loop: dependsOn: [{around}]"),
                },
            ),
            None if at == Some(need) => (
                format!("step `{other}` cannot {does} itself"),
                "name a step that ends before it begins".to_owned(),
            ),
            None if contains(Some(need), at) => (
                format!("a step cannot {does} `{other}`, which it is inside of"),
                format!("`{other}` ends after everything inside of it"),
            ),
            None => (
                format!("a step cannot {does} `{other}`, which is inside of it"),
                "what is inside of a step begins after it".to_owned(),
            ),
        };
        self.tell(name.place, path, message, hint);
    }

    /// Steps that wait for each other.
    fn circles(&mut self, graph: &Graph) {
        // Of all steps in circles the first is told of: mending it may mend the others.
        let Some((at, circle)) = (0..self.drafts.len()).find_map(|at| Some((at, graph.circle(at)?))) else {
            return;
        };
        let name =
            |at: usize| self.drafts.get(at).map(|draft| draft.name.value.to_string()).unwrap_or_default();
        let waits: Vec<String> = circle
            .iter()
            .map(|(later, earlier)| format!("`{}` for `{}`", name(*later), name(*earlier)))
            .collect();
        if let Some((place, path)) = self.drafts.get(at).map(|draft| (draft.name.place, draft.path.clone())) {
            let message = format!("these steps wait for each other: {}", waits.join(", "));
            let hint =
                "without `dependsOn` a step waits for those before it; with it, for those that it names";
            self.tell(place, &path, message, hint);
        }
    }

    /// What `reader` reads has ended before `at` begins (`ended`: or is `at` itself, which has ended).
    fn reads_of(
        &mut self,
        at: usize,
        reader: &Reader,
        ended: bool,
        names: &BTreeMap<StepName, usize>,
        graph: &mut Graph,
        needs: &mut [Vec<usize>],
    ) {
        for need in self.known(Some((at, ended)), reader, names) {
            if needs.get(at).is_some_and(|needs| needs.contains(&need)) {
                continue;
            }
            if graph.leads(at, need) {
                let name =
                    self.drafts.get(need).map(|draft| draft.name.value.to_string()).unwrap_or_default();
                let hint = match self.drafts.get(need).is_some_and(|draft| draft.depends_on.is_some()) {
                    true => format!("`{name}` waits for this one: look at its `dependsOn`"),
                    false => "steps run in the order written: move it before this one".to_owned(),
                };
                self.tell(reader.place, &reader.path, format!("step `{name}` cannot have run here"), hint);
                continue;
            }
            graph.add(at, need);
            needs.get_mut(at).into_iter().for_each(|needs| needs.push(need));
        }
    }

    /// The steps that something reads, by place. What cannot be read is told. `at`: the step that reads, and
    /// whether it has ended then; the output reads from behind all of them.
    fn known(
        &mut self,
        at: Option<(usize, bool)>,
        reader: &Reader,
        names: &BTreeMap<StepName, usize>,
    ) -> Vec<usize> {
        let mut found = Vec::new();
        for used in &reader.uses.steps {
            let Some(need) = names.get(&used.step).copied() else {
                let message = format!("there is no step `{}`", used.step);
                let hint = nearest(used.step.as_str(), names.keys().map(StepName::as_str));
                self.tell(reader.place, &reader.path, message, hint);
                continue;
            };
            let seen = match at {
                Some((at, true)) if at == need => continue,
                Some((at, _)) => self.sees(at, need),
                None => self.drafts.get(need).is_some_and(|draft| draft.loops.is_empty()),
            };
            let name = At { value: used.step.clone(), place: reader.place };
            match (seen, at) {
                (true, _) => found.push(need),
                (false, at) => self.out_of_sight(&name, need, at.map(|(at, _)| at), &reader.path),
            }
        }
        for var in &reader.uses.vars {
            found.extend(self.set_before(at.map(|(at, _)| at), var, reader));
        }
        found
    }

    /// The steps before this one that set a variable.
    fn set_before(&mut self, at: Option<usize>, var: &str, reader: &Reader) -> Vec<usize> {
        let sets = |draft: &&Draft| draft.sets.iter().any(|set| set == var);
        let places = self.drafts.iter().enumerate().filter(|(_, draft)| sets(draft)).map(|(place, _)| place);
        let places: Vec<usize> = places.collect();
        let before = |place: &usize| match at {
            Some(at) => *place < at && self.sees(at, *place),
            None => self.drafts.get(*place).is_some_and(|draft| draft.loops.is_empty()),
        };
        let found: Vec<usize> = places.iter().copied().filter(before).collect();
        if found.is_empty() {
            let (message, hint) = if places.is_empty() {
                let all: Vec<String> = self.drafts.iter().flat_map(|draft| draft.sets.clone()).collect();
                (format!("no step sets `{var}`"), nearest(var, all.iter().map(String::as_str)))
            } else {
                let hint =
                    "move the step with `set` before this one; what is set in a loop is its iteration's own";
                (format!("`{var}` cannot have been set here"), hint.to_owned())
            };
            self.tell(reader.place, &reader.path, message, hint);
        }
        found
    }

    /// `goto` leads forward, to a step beside this one.
    fn gotos(&mut self, at: usize, names: &BTreeMap<StepName, usize>) {
        let Some(draft) = self.drafts.get_mut(at) else { return };
        let (on_failure, of_case) = (draft.goto_on_failure.take(), std::mem::take(&mut draft.goto_of_case));
        let path = draft.path.clone();
        if let Some(name) = on_failure
            && let Some(to) = self.target(at, &name, &format!("{path}.onFailure.goto"), names)
            && let Some(step) = self.drafts.get_mut(at).and_then(|draft| draft.step.as_mut())
        {
            step.on_failure = OnFailure::Goto(to);
        }
        for (number, name) in of_case {
            let to = self.target(at, &name, &format!("{path}.switch[{number}].goto"), names);
            let step = self.drafts.get_mut(at).and_then(|draft| draft.step.as_mut());
            if let Some(Work::Switch(cases)) = step.map(|step| &mut step.work) {
                cases.get_mut(number).into_iter().for_each(|case| case.goto = to);
            }
        }
    }

    fn target(
        &mut self,
        at: usize,
        name: &At<StepName>,
        path: &str,
        names: &BTreeMap<StepName, usize>,
    ) -> Option<usize> {
        let Some(to) = names.get(&name.value).copied() else {
            let hint = nearest(name.value.as_str(), names.keys().map(StepName::as_str));
            self.tell(name.place, path, format!("there is no step `{}`", name.value), hint);
            return None;
        };
        let beside = |at: usize| self.drafts.get(at).map(|draft| (draft.place.parent, draft.place.case));
        if to > at && beside(at) == beside(to) {
            return Some(to);
        }
        let hint =
            "it leads to a later step beside this one; to do something again use `retries` or `forEach`";
        self.tell(name.place, path, format!("`goto` cannot lead to step `{}`", name.value), hint);
        None
    }

    /// Steps behind one that always fails.
    fn never_reached(&mut self, body: &[usize]) {
        let always_fails = |draft: &Draft| {
            let step = draft.step.as_ref();
            step.is_some_and(|step| {
                let goes_on = matches!(step.on_failure, OnFailure::Continue | OnFailure::Intervene);
                matches!(step.work, Work::Fail { .. })
                    && step.when.is_none()
                    && step.each.is_none()
                    && !goes_on
                    && draft.goto_on_failure.is_none()
            })
        };
        let mut failing: Option<StepName> = None;
        for at in body {
            let Some(draft) = self.drafts.get(*at) else { continue };
            let waits = !draft.parallel && draft.depends_on.is_none();
            let targeted = self.drafts.iter().any(|other| {
                let gotos = other.goto_of_case.iter().map(|(_, name)| name).chain(&other.goto_on_failure);
                gotos.map(|name| &name.value).any(|name| *name == draft.name.value)
            });
            if let Some(failing) = &failing
                && waits
                && !targeted
            {
                let (place, path) = (draft.name.place, draft.path.clone());
                let message = format!("step `{}` never has its turn", draft.name.value);
                let hint = format!("`{failing}` before it always fails: give that one a `when`");
                self.tell(place, &path, message, hint);
                return;
            }
            if always_fails(draft) {
                failing = Some(draft.name.value.clone());
            }
        }
    }
}
