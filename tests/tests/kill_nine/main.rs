//! Kills at any moment: no accepted execution and no answer is lost, no completed effect is repeated.
//!
//! The host is killed (SIGKILL) again and again while customers order and clerks answer. What it promised is
//! kept in a ledger beside it; a server that counts requests by idempotency key witnesses the effects.
//!
//! Not here: stopping on purpose (`operations_at_night`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

mod branches;
mod ledger;
mod moments;
mod people;
mod wire;

use std::sync::Arc;
use std::time::{Duration, Instant};

use orgata_tests::matchers::{asked, completed, failed, step_completed};
use orgata_tests::{Event, ExecutionId, HostSetup, TestHost, Witness};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use ledger::EFFECTS;
use moments::Moments;
use people::Shop;

const ORDERS: usize = 200;
const KILLS: usize = 50;
/// Orders whose events somebody follows all the way.
const FOLLOWED: usize = 10;
/// A host is ready again so soon …
const READY: Duration = Duration::from_secs(1);
/// … or, where others have the machine, in so many times what a host with nothing to do takes at worst, started again
/// as often and beside it.
const TIMES: u32 = 3;

/// A host that takes orders for this witness.
async fn shop_host(witness: &Witness) -> TestHost {
    let grants = json!({ "http-fetch": { "network": [witness.authority()], "privateAddresses": true } });
    HostSetup::new()
        .plugin("kitchen")
        .plugin("http-fetch")
        .playbook("order", include_str!("../../playbooks/order.yaml"))
        .runtime("kitchen-v1", json!({ "grants": grants }))
        .start()
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_kills_lose_no_order_and_no_answer_and_repeat_no_effect() {
    let mut moments = Moments::new();
    let witness = Witness::start().await;
    let mut host = shop_host(&witness).await;
    // Long enough to be cut off in the middle; and some fail at first.
    witness.delay("/charge", Duration::from_millis(15));
    witness.delay("/notify", Duration::from_millis(8));
    witness.fail("/notify", 20, 503);

    let shop = Arc::new(Shop::new(witness));
    let mut customers = JoinSet::new();
    let mut clerks = JoinSet::new();
    for _ in 0..8 {
        customers.spawn(people::customer(Arc::clone(&shop), ORDERS));
        clerks.spawn(people::clerk(Arc::clone(&shop)));
    }
    let mut followers = JoinSet::new();
    let (mut downtimes, mut idle_starts) = (Vec::new(), Vec::new());
    let mut idle = HostSetup::new().runtime("desk", json!({})).start().await;
    let mut open_at_kills = 0;
    for kill in 1..=KILLS {
        shop.ledger.compare(&host, &shop.witness).await;
        shop.door.open(kill as u64, &host);
        shop.orders.add_permits(ORDERS / KILLS);
        shop.answers.add_permits(3 * ORDERS / KILLS);
        if let Some(id) = shop.ledger.executions().pop().filter(|_| followers.len() < FOLLOWED) {
            followers.spawn(follow(shop.door.wire(), id));
        }
        until_a_random_moment(&mut moments, &shop.witness).await;
        shop.door.shut();
        let stopped = host.kill();
        let (again, its_own);
        ((host, again), (idle, its_own)) = tokio::join!(timed(stopped.start()), timed(idle.kill().start()));
        downtimes.push(again);
        idle_starts.push(its_own);
        let inbox = host.get("/api/v1/interventions?limit=1").await.is(200);
        open_at_kills += usize::from(inbox["items"] != json!([]));
    }
    assert!(open_at_kills > KILLS / 2, "questions were open at {open_at_kills} kills only");

    // From here on it lives, and everything must come to its end.
    shop.ledger.compare(&host, &shop.witness).await;
    shop.door.open(1 + KILLS as u64, &host);
    shop.orders.add_permits(Semaphore::MAX_PERMITS / 2);
    shop.answers.add_permits(Semaphore::MAX_PERMITS / 2);
    customers.join_all().await;
    let executions = shop.ledger.executions();
    assert_eq!(executions.len(), ORDERS, "every order was acknowledged");
    for id in &executions {
        host.until(id, completed()).await;
    }
    clerks.abort_all();
    while let Some(clerk) = clerks.join_next().await {
        assert!(!clerk.is_err_and(|error| error.is_panic()), "a clerk gave up");
    }

    assert_eq!(ledger::all_executions(&host).await.len(), ORDERS, "one execution for each key");
    let mut interrupted = 0;
    for id in &executions {
        let history = host.history(id).await;
        interrupted += history.iter().filter(|event| event.kind == "step_interrupted").count();
        every_call_had_its_attempt(id, &history, &shop.witness);
        shop.ledger.look_at(id, history, &shop.witness);
    }
    assert!(interrupted > 0, "no kill hit an effect: the moments are badly chosen");
    shop.ledger.nothing_was_repeated(&shop.witness);
    every_order_has_one_key(&shop.witness);
    while let Some(followed) = followers.join_next().await {
        let (id, events) = followed.expect("a follower reaches the end");
        assert_eq!(events, host.history(&id).await, "{id}: the stream tells what the history keeps");
    }
    the_same_keys_give_the_same_executions(&shop).await;
    host.stop().await;

    downtimes.sort();
    idle_starts.sort();
    let [(usual, slowest), (idle_usual, idle_slowest)] =
        [&downtimes, &idle_starts].map(|starts: &Vec<Duration>| (starts[KILLS / 2], starts[KILLS - 1]));
    println!(
        "ready again after {usual:?} usually, {slowest:?} at worst (an idle host {idle_usual:?} and {idle_slowest:?}); \
         {interrupted} effects cut off; {} answers",
        shop.ledger.answers(),
    );
    let soon = READY.max(idle_slowest * TIMES);
    assert!(slowest < soon, "it must be ready again within {soon:?}: {downtimes:?}, idle {idle_starts:?}");
}

/// What comes of it, and how long it took.
async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    (work.await, began.elapsed())
}

async fn follow(wire: wire::Wire, id: ExecutionId) -> (ExecutionId, Vec<Event>) {
    let events = wire.follow(id.clone()).await;
    (id, events)
}

/// In the middle of the next effect but so many, or after so many milliseconds.
async fn until_a_random_moment(moments: &mut Moments, witness: &Witness) {
    let effects = moments.within(1..12) as usize;
    let longest = Duration::from_micros(moments.within(1_000..120_000));
    let hit = witness.total_of(witness.total() + effects);
    // Which of the two came first is the chance that the test is about.
    let _ = tokio::time::timeout(longest, hit).await;
}

/// Each request belongs to an attempt that was durable before it, each attempt after the first has a reason,
/// and after a result comes nothing.
fn every_call_had_its_attempt(id: &ExecutionId, history: &[Event], witness: &Witness) {
    for step in EFFECTS {
        let own: Vec<&Event> = history.iter().filter(|event| event.step() == Some(step)).collect();
        let started: Vec<usize> = own
            .iter()
            .enumerate()
            .filter(|(_, event)| event.kind == "step_started")
            .map(|(at, _)| at)
            .collect();
        let calls = ledger::times(witness, step, &format!("{id}/{step}"));
        let lines = orgata_tests::event::lines(history);
        assert!(
            (1..=started.len()).contains(&calls),
            "{id}: {calls} calls of {step} in {} attempts:\n{lines}",
            started.len(),
        );
        for attempt in started.iter().skip(1) {
            let before = &own[attempt - 1].kind;
            let reasons = ["step_interrupted", "step_retry_scheduled", "intervention_resolved"];
            assert!(reasons.contains(&before.as_str()), "{id}: {step} ran again after {before}:\n{lines}");
        }
        let ends = own.iter().filter(|event| event.kind == "step_completed").count();
        assert_eq!(ends, 1, "{id}: {step} has one result:\n{lines}");
        assert_eq!(own.last().unwrap().kind, "step_completed", "{id}: {step} ends with it:\n{lines}");
    }
}

/// What is charged, told and shipped for one order has one key, whatever was cut off.
fn every_order_has_one_key(witness: &Witness) {
    for step in EFFECTS {
        let seen = witness.seen(&format!("/{step}"));
        let mut keys = std::collections::BTreeMap::new();
        for request in &seen {
            let order: Value = serde_json::from_str(&request.body).expect("an order is JSON");
            let number = order["order"].as_u64().expect("an order has a number");
            let first = keys.entry(number).or_insert_with(|| request.key().to_owned());
            assert_eq!(first, request.key(), "order {number} came to /{step} under two keys");
        }
        assert_eq!(keys.len(), ORDERS, "every order came to /{step}");
        if step == "charge" {
            assert_eq!(seen.len(), ORDERS, "who looks before retrying charges once");
        }
    }
}

async fn the_same_keys_give_the_same_executions(shop: &Shop) {
    let mut wire = shop.door.wire();
    for number in (0..ORDERS).step_by(10) {
        // The ledger refuses another execution under a key that it knows.
        people::order(shop, &mut wire, number).await;
    }
    assert_eq!(shop.ledger.executions().len(), ORDERS);
}

/// An order whose charge is held back at the witness.
async fn charging(host: &TestHost, witness: &Witness) -> ExecutionId {
    witness.hold("/charge");
    let id = host.begin("order", json!({ "number": 7, "shop": witness.url("") })).await;
    witness.until("/charge", 1).await;
    id
}

#[tokio::test]
async fn an_effect_that_was_cut_off_is_shown_to_an_operator_who_says_that_it_happened() {
    let witness = Witness::start().await;
    let host = shop_host(&witness).await;
    let id = charging(&host, &witness).await;

    let host = host.kill_and_restart().await;
    let question = host.until(&id, asked("charge")).await;
    assert_eq!(question.kind, "failure_handling");
    assert_eq!(question.options, ["retry", "complete", "fail"]);
    assert!(question.prompt.contains("charge"), "{}", question.prompt);
    assert_eq!(question.body["context"]["input"]["body"], json!({ "order": 7 }));

    // What is made up must be what the operation could have given: steps to come rely on it.
    let nonsense = json!({ "decision": "complete", "result": { "status": "paid" } });
    host.answer(&id, &question, nonsense).await.refused(422, "RESPONSE_INVALID");
    let answer = json!({ "decision": "complete", "result": people::charged_by_hand() });
    host.answer(&id, &question, answer).await.accepted();
    assert_eq!(host.until(&id, step_completed("charge")).await["json"]["ok"], "by hand");
    host.until(&id, asked("choose-jelly")).await;
    assert_eq!(witness.seen("/charge").len(), 1, "nobody charged again");
}

#[tokio::test]
async fn an_operator_who_retries_sends_the_same_key_again() {
    let witness = Witness::start().await;
    let host = shop_host(&witness).await;
    let id = charging(&host, &witness).await;

    let host = host.kill_and_restart().await;
    let question = host.until(&id, asked("charge")).await;
    witness.release("/charge");
    host.answer(&id, &question, json!({ "decision": "retry" })).await.accepted();
    host.until(&id, step_completed("charge")).await;
    assert_eq!(witness.keys("/charge"), [(format!("{id}/charge"), 2)].into());
}

#[tokio::test]
async fn an_operator_who_gives_an_effect_up_fails_the_execution() {
    let witness = Witness::start().await;
    let host = shop_host(&witness).await;
    let id = charging(&host, &witness).await;

    let host = host.kill_and_restart().await;
    let question = host.until(&id, asked("charge")).await;
    host.answer(&id, &question, json!({ "decision": "maybe" })).await.refused(422, "RESPONSE_INVALID");
    host.answer(&id, &question, json!({ "decision": "fail" })).await.accepted();
    assert_eq!(host.until(&id, failed()).await["code"], "INTERRUPTED");
    assert_eq!(witness.seen("/charge").len(), 1);
}

#[tokio::test]
async fn an_idempotent_effect_that_was_cut_off_runs_again_by_itself_with_its_key() {
    let witness = Witness::start().await;
    let host = shop_host(&witness).await;
    witness.hold("/ship");
    let id = host.begin("order", json!({ "number": 8, "shop": witness.url("") })).await;
    let jelly = host.until(&id, asked("choose-jelly")).await;
    host.answer(&id, &jelly, json!({ "jelly_flavor": "grape" })).await.accepted();
    let cut = host.until(&id, asked("assemble")).await;
    host.answer(&id, &cut, json!({ "cut": "straight" })).await.accepted();
    witness.until("/ship", 1).await;

    let host = host.kill_and_restart().await;
    witness.until("/ship", 2).await;
    witness.release("/ship");
    let output = host.until(&id, completed()).await;
    assert_eq!(output["sandwich"]["cut"], "straight");
    assert_eq!(witness.keys("/ship"), [(format!("{id}/ship"), 2)].into());
    assert_eq!(witness.keys("/charge"), [(format!("{id}/charge"), 1)].into());
    assert_eq!(witness.keys("/notify"), [(format!("{id}/notify"), 1)].into());
}

#[tokio::test]
async fn a_key_that_was_used_before_a_crash_still_names_its_execution() {
    let witness = Witness::start().await;
    let host = shop_host(&witness).await;
    let order = |number: u64| {
        json!({
            "playbookName": "order",
            "input": { "number": number, "shop": witness.url("") },
            "idempotencyKey": "once",
        })
    };
    let path = "/api/v1/runtimes/kitchen-v1/executions";
    let first = host.post(path, order(1)).await.is(202);

    let host = host.kill_and_restart().await;
    let again = host.post(path, order(1)).await.is(200);
    assert_eq!(again["executionId"], first["executionId"]);
    host.post(path, order(2)).await.refused(409, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(ledger::all_executions(&host).await.len(), 1);
}
