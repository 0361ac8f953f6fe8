//! One random story: chaos first, then everybody means well, and everything comes to an end.

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Once};
use std::time::Duration;

use orgata_engine::Settings;
use orgata_model::playbook::Playbook;
use orgata_model::retention::Retention;

use crate::faults;
use crate::invariants::{self, Watch, journal};
use crate::outcomes::{Mood, let_anything_happen};
use crate::parcels::{self, VERSIONS};
use crate::people::People;
use crate::playbooks::{TIMELY, any_playbooks};
use crate::rng::Rng;
use crate::support::host::{ada, runtime};
use crate::support::operations::SCRIPTED;
use crate::support::{TestHost, within};
use crate::well_meaning::{self, all_ended};

/// Turns of chaos, at most.
const CHAOS: u64 = 50;
/// Turns within which everything ends once everybody means well.
const PATIENCE: usize = 1_500;
/// Turns without a commit after which none will come.
const STUCK: usize = 40;
/// Most reads of the store in one turn, for each execution that there is: more is spinning.
const READS: usize = 40;

thread_local! {
    /// What panicked in tasks of this thread: nobody else tells.
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    /// What happened in the story that is told.
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn note(words: String) {
    LOG.with_borrow_mut(|log| log.push(words));
}

fn listen_to_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.with_borrow_mut(|panics| panics.push(info.to_string()));
            if std::env::var_os("ORGATA_SEED").is_some() {
                before(info);
            }
        }));
    });
}

/// Tells the story of a seed. Whether all promises were kept.
pub(crate) fn tell(seed: u64, aloud: bool) -> bool {
    listen_to_panics();
    PANICS.with_borrow_mut(Vec::clear);
    LOG.with_borrow_mut(Vec::clear);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut teller = Teller::of(seed);
    let told = std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(teller.tell())));
    if told.is_err() || aloud {
        teller.print(told.is_err());
    }
    if aloud && let Err(cause) = told {
        std::panic::resume_unwind(cause);
    }
    told.is_ok()
}

/// How many there are that no schedule started.
fn started(host: &TestHost) -> usize {
    host.store.ids().into_iter().filter(|id| host.summary(*id).playbook.name.as_str() != TIMELY).count()
}

struct Teller {
    seed: u64,
    dice: Rng,
    sources: Vec<String>,
    playbooks: Vec<Arc<Playbook>>,
    host: Option<TestHost>,
    people: People,
    watch: Watch,
    mood: Mood,
    /// A playbook starts by itself.
    scheduled: bool,
}

impl Teller {
    fn of(seed: u64) -> Self {
        let mut dice = Rng::of(seed);
        let sources = any_playbooks(&mut dice);
        let scheduled = sources.iter().any(|source| source.contains("schedule:"));
        let (people, watch, mood) = (People::default(), Watch::default(), Mood::default());
        Self { seed, dice, sources, playbooks: Vec::new(), host: None, people, watch, mood, scheduled }
    }

    fn host(&self) -> &TestHost {
        self.host.as_ref().unwrap()
    }

    async fn tell(&mut self) {
        let forgetful = self.dice.once_in(3);
        let active_executions = if self.dice.once_in(4) { 2 } else { 100 };
        let kept = |long: bool, time| if long { Retention::Forever } else { Retention::For(time) };
        let retention = kept(self.dice.roll(3) > 0, Duration::from_mins(10));
        let audit_keep = kept(self.dice.once_in(2), Duration::from_mins(15));
        let settings =
            Settings { forgetful, active_executions, retention, audit_keep, ..Settings::default() };
        let host = TestHost::with(settings).await;
        for source in &self.sources {
            self.playbooks.push(within(host.try_publish(source)).await.unwrap());
        }
        self.watch = Watch::of(&self.playbooks);
        let_anything_happen(&host.world, self.seed, &self.mood);
        self.host = Some(host);
        self.chaos().await;
        self.end().await;
        self.go_abroad().await;
    }

    async fn chaos(&mut self) {
        let last = faults::some_life(&mut self.dice);
        self.begin_life(last).await;
        note(self.people.start(self.host.as_ref().unwrap(), &mut self.dice));
        for _ in 0..10 + self.dice.roll(CHAOS) {
            self.let_it_go_on().await;
            self.look();
            self.something().await;
        }
    }

    async fn begin_life(&mut self, last: u64) {
        note(format!(
            "a life begins that {}",
            if last == 0 { "goes on".to_owned() } else { format!("ends at {last}") }
        ));
        faults::next_life(self.host.as_mut().unwrap(), last).await;
    }

    /// To rest, or a little.
    async fn let_it_go_on(&mut self) {
        let host = self.host.as_ref().unwrap();
        let before = host.store.reads();
        if self.dice.once_in(2) {
            for _ in 0..self.dice.roll(30) {
                tokio::task::yield_now().await;
            }
        } else {
            host.settle().await;
            invariants::check_rest(host);
        }
        let (reads, ids) = (host.store.reads() - before, host.store.ids().len());
        assert!(reads < READS * (ids + 5) || host.settings.forgetful, "{reads} reads in one turn: it spins");
    }

    async fn something(&mut self) {
        let last = if self.host().life.is_over() { Some(faults::some_life(&mut self.dice)) } else { None };
        if let Some(last) = last {
            return self.begin_life(last).await;
        }
        let host = self.host.as_ref().unwrap();
        let (people, dice) = (&mut self.people, &mut self.dice);
        let words = match dice.roll(44) {
            0..=9 => host.clock.next().map(|next| {
                host.clock.set(next);
                format!("it is {next}")
            }),
            10..=17 => people.answer(host, dice, false),
            18 | 19 => people.answer_again(host, dice),
            20..=22 => {
                let n = dice.roll(3);
                people.event(host, dice, n)
            }
            23..=28 => people.control(host, dice),
            29..=33 => Some(faults::befall(host, dice)),
            34 | 40 if started(host) < 4 => Some(people.start(host, dice)),
            35 if started(host) < 4 => people.fork(host, dice),
            36 => {
                let version = 2 + u32::try_from(dice.roll(u64::from(VERSIONS) - 1)).unwrap();
                host.world.load_all(version);
                Some(format!("version {version} of all plugins"))
            }
            37 => return self.restart().await,
            38 | 39 => {
                let last = faults::some_life(dice);
                note("a crash".to_owned());
                self.host.as_ref().unwrap().life.kill();
                if self.dice.once_in(3) {
                    let seconds = self.dice.roll(1_200);
                    note(format!("nobody starts it again for {seconds} s"));
                    self.host().clock.advance(Duration::from_secs(seconds));
                }
                return self.begin_life(last).await;
            }
            41 => people.take_out(host, dice),
            42 => people.delete(host, dice),
            43 => people.bring_back(host, dice),
            _ => None,
        };
        words.into_iter().for_each(note);
    }

    async fn restart(&mut self) {
        note("a restart in good order".to_owned());
        assert!(faults::stop(self.host()).await, "the host does not stop");
        let last = faults::some_life(&mut self.dice);
        self.begin_life(last).await;
    }

    /// Everybody means well now.
    async fn end(&mut self) {
        note("everybody means well".to_owned());
        self.mood.kind.store(true, Ordering::SeqCst);
        let stuck = self.mood.stuck.load(Ordering::SeqCst);
        if self.dice.once_in(2) || stuck || self.host().life.is_over() {
            self.begin_life(0).await;
        } else {
            // The same life goes on, and must outlive what befell it.
            let host = self.host.as_mut().unwrap();
            host.store.unavailable(false);
            host.store.refuse_next(0);
            host.store.flaky(0);
            host.store.release();
        }
        self.come_to_an_end().await;
        self.look();
        invariants::check_end(self.host());
        invariants::check_audit(self.host(), &self.people, self.watch.latest()).await;
    }

    async fn come_to_an_end(&mut self) {
        let (mut commits, mut quiet) = (0, 0);
        for turn in 0.. {
            assert!(turn < PATIENCE, "it never ends");
            if self.host().life.is_over() {
                self.begin_life(0).await;
            }
            let reads = self.host().store.reads();
            self.host().settle().await;
            self.look();
            self.follow_no_more().await;
            let host = self.host();
            let (reads, ids) = (host.store.reads() - reads, host.store.ids().len());
            assert!(
                reads < READS * (ids + 5) || host.settings.forgetful,
                "{reads} reads in one turn: it spins"
            );
            if all_ended(host) && !self.scheduled {
                // What was asked long ago may come only now; the waits of callers are over by then.
                host.advance(Duration::from_secs(120)).await;
                if all_ended(self.host()) && !self.host().life.is_over() {
                    break;
                }
            }
            quiet = if host.store.commits() == commits { quiet + 1 } else { 0 };
            commits = host.store.commits();
            assert!(quiet < STUCK, "a dead end");
            self.help();
        }
    }

    /// A schedule has no end by itself: it is followed until now, and then no more.
    async fn follow_no_more(&mut self) {
        let host = self.host.as_ref().unwrap();
        if !self.scheduled || host.life.is_over() || !self.watch.is_up_to_date(host) {
            return;
        }
        let name = TIMELY.parse().unwrap();
        self.scheduled = within(host.engine.retire_playbook(&ada(), &runtime(), &name)).await.is_err();
    }

    /// What was taken out is taken into another host, too.
    async fn go_abroad(&mut self) {
        let parcel = self.people.parcels.lock().unwrap().pop();
        if let Some(parcel) = parcel.filter(|_| self.dice.once_in(2)) {
            note("a history is taken abroad".to_owned());
            parcels::take_abroad(parcel, &self.playbooks, &mut self.dice).await;
        }
    }

    fn help(&mut self) {
        let host = self.host.as_ref().unwrap();
        well_meaning::help(host, &mut self.people, &mut self.dice).into_iter().for_each(note);
    }

    fn look(&mut self) {
        let mut panics = PANICS.with_borrow_mut(std::mem::take);
        panics.retain(|told| !told.contains(SCRIPTED));
        assert!(panics.is_empty(), "a task panicked: {panics:#?}");
        let mut complaints = std::mem::take(&mut *self.people.complaints.lock().unwrap());
        let stuck = self.mood.stuck.load(Ordering::SeqCst);
        complaints.retain(|told| !(stuck && told.contains("driver ended unexpectedly")));
        // What was let go on after its end, and deleted before that could be kept, is lost.
        let purged = self.host().store.purged();
        complaints
            .retain(|told| !purged.iter().any(|id| told.contains(&format!("{id}: the execution changed"))));
        assert!(complaints.is_empty(), "{complaints:#?}");
        self.watch.look(self.host.as_ref().unwrap(), &self.people.wanted);
    }

    fn print(&self, failed: bool) {
        let panics = PANICS.with_borrow(Clone::clone);
        eprintln!("==== seed {}", self.seed);
        self.sources.iter().for_each(|source| eprintln!("{source}---"));
        LOG.with_borrow(|log| log.iter().for_each(|line| eprintln!("{line}")));
        if failed {
            eprintln!("{}", panics.join("\n"));
            let name = "cargo nextest run -p orgata-engine --test simulation --no-capture promises";
            eprintln!("tell it again: ORGATA_SEED={} {name}", self.seed);
        }
        for id in self.host.iter().flat_map(|host| host.store.ids()) {
            let host = self.host();
            eprintln!("{id} is {:?}:{}", host.status(id), journal(&host.history(id)));
        }
    }
}
