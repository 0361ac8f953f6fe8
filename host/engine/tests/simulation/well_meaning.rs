//! Everybody means well: whatever is waited for comes.

use orgata_engine::Control;
use orgata_model::execution::Status;

use crate::people::People;
use crate::rng::Rng;
use crate::support::TestHost;

/// Whether nothing goes on.
pub(crate) fn all_ended(host: &TestHost) -> bool {
    host.store.ids().into_iter().all(|id| host.status(id).unwrap().is_end())
}

/// Something that is waited for comes. Tells what it was.
pub(crate) fn help(host: &TestHost, people: &mut People, dice: &mut Rng) -> Option<String> {
    if dice.roll(3) > 0
        && let Some(words) = people.answer(host, dice, true)
    {
        return Some(words);
    }
    let going_on = || host.store.ids().into_iter().filter(|id| !host.status(*id).unwrap().is_end());
    let resumes = dice.once_in(2);
    if let Some(paused) = going_on().find(|id| resumes && host.status(*id) == Some(Status::Paused)) {
        return Some(people.steer(host, paused, Control::Resume, ""));
    }
    let told = match host.store.waits_for_events() && dice.once_in(2) {
        true => people.event(host, dice, 2),
        false => None,
    };
    if let Some(next) = host.clock.next() {
        host.clock.set(next);
    }
    told
}
