//! Playbooks that start by themselves.

use std::time::Duration;

use jiff::Timestamp;
use orgata_engine::Control;
use orgata_model::ExecutionId;
use orgata_model::execution::{Fact, Status};
use serde_json::json;

use crate::support::host::{ada, runtime};
use crate::support::life::Life;
use crate::support::{TestHost, within};

const HOUR: Duration = Duration::from_hours(1);
const QUICK: &str = "steps:\n  - { name: a, operation: calc/echo, params: { v: $input.v } }\n";
const ASKS: &str = "steps:\n  - { name: ask, intervention: { prompt: Well? } }\n";

/// Due at every full hour; tests begin at 8:00.
fn hourly(rules: &str, steps: &str) -> String {
    format!("name: story\nschedule: {{ cron: 0 * * * *, input: {{ v: 7 }}{rules} }}\n{steps}")
}

/// What each execution was started for, in order.
fn due(host: &TestHost) -> Vec<String> {
    let mut due: Vec<String> =
        host.store.ids().into_iter().map(|id| host.summary(id).labels["scheduledFor"].clone()).collect();
    due.sort();
    due.iter().map(|at| at[11..16].to_owned()).collect()
}

fn with_status(host: &TestHost, status: Status) -> Vec<ExecutionId> {
    host.store.ids().into_iter().filter(|id| host.status(*id) == Some(status)).collect()
}

async fn cancel(host: &TestHost, id: ExecutionId) {
    host.control(id, Control::Cancel { compensate: true }).await.unwrap();
    host.settle().await;
}

#[tokio::test]
async fn a_playbook_starts_when_its_time_comes_and_by_whom_is_told() {
    let host = TestHost::new().await;
    host.publish(&hourly("", QUICK)).await;
    host.advance(HOUR - Duration::from_secs(1)).await;
    assert_eq!(host.store.ids(), [], "its time has not come");
    host.advance(Duration::from_secs(1)).await;
    let id = host.store.ids()[0];
    let started = &host.history(id)[0];
    assert_eq!(&*started.actor, "schedule");
    let Fact::ExecutionStarted { input, .. } = &started.fact else { panic!() };
    assert_eq!(**input, json!({ "v": 7 }));
    host.until_status(id, Status::Succeeded).await;
    host.advance(HOUR).await;
    assert_eq!(due(&host), ["09:00", "10:00"]);
}

#[tokio::test]
async fn a_restart_neither_repeats_nor_forgets_a_due_time() {
    let mut host = TestHost::new().await;
    host.publish(&hourly("", QUICK)).await;
    host.advance(HOUR).await;
    host.restart().await;
    host.settle().await;
    host.crash().await;
    host.advance(HOUR).await;
    assert_eq!(due(&host), ["09:00", "10:00"]);
}

#[tokio::test]
async fn wherever_the_host_dies_each_due_time_gets_one_run() {
    for rules in ["", ", overlap: allow, missed: all", ", overlap: queue, missed: all", ", missed: skip"] {
        for last in 1.. {
            let mut host = TestHost::new().await;
            host.publish(&hourly(rules, QUICK)).await;
            host.crash_into(Life::new(last)).await;
            host.advance(HOUR).await;
            let died = host.life.is_over();
            host.crash().await;
            host.settle().await;
            host.advance(Duration::from_secs(2)).await;
            assert_eq!(due(&host), ["09:00"], "died at {last} with {rules}");
            let id = host.store.ids()[0];
            host.until_status(id, Status::Succeeded).await;
            if !died {
                assert!(last > 4, "there are places to die at");
                break;
            }
        }
    }
}

#[tokio::test]
async fn runs_that_were_missed_are_made_up_for_as_the_schedule_says() {
    for (missed, expected) in
        [("skip", vec![]), ("once", vec!["11:00"]), ("all", vec!["09:00", "10:00", "11:00"])]
    {
        let mut host = TestHost::new().await;
        host.publish(&hourly(&format!(", overlap: allow, missed: {missed}"), QUICK)).await;
        host.settle().await;
        host.life.kill();
        host.clock.advance(HOUR * 3 + Duration::from_mins(30));
        host.crash().await;
        host.settle().await;
        assert_eq!(due(&host), expected, "{missed}");
        host.crash().await;
        host.settle().await;
        assert_eq!(due(&host), expected, "once is enough: {missed}");
    }
}

#[tokio::test]
async fn an_earlier_run_that_is_not_over_is_dealt_with_as_the_schedule_says() {
    for (overlap, expected) in
        [("skip", vec!["09:00"]), ("queue", vec!["09:00"]), ("allow", vec!["09:00", "10:00", "11:00"])]
    {
        let host = TestHost::new().await;
        host.publish(&hourly(&format!(", overlap: {overlap}"), ASKS)).await;
        host.advance(HOUR).await;
        host.advance(HOUR).await;
        host.advance(HOUR).await;
        assert_eq!(due(&host), expected, "{overlap}");
    }
}

#[tokio::test]
async fn queued_runs_follow_one_another_in_order_also_over_a_crash() {
    let mut host = TestHost::new().await;
    host.publish(&hourly(", overlap: queue", ASKS)).await;
    for _ in 0..3 {
        host.advance(HOUR).await;
    }
    let info = within(host.engine.schedules(&ada(), &runtime())).await.unwrap().remove(0);
    assert_eq!(info.queued.len(), 2);
    host.crash().await;
    host.settle().await;
    for (over, now) in [("09:00", "10:00"), ("10:00", "11:00")] {
        assert_eq!(due(&host).last().map(String::as_str), Some(over));
        cancel(&host, with_status(&host, Status::Waiting)[0]).await;
        assert_eq!(due(&host).last().map(String::as_str), Some(now));
        assert_eq!(with_status(&host, Status::Waiting).len(), 1, "one at a time");
    }
}

#[tokio::test]
async fn publishing_changing_and_retiring_take_effect_at_once() {
    let host = TestHost::new().await;
    host.publish(&hourly("", QUICK)).await;
    host.advance(Duration::from_mins(30)).await;
    host.publish(&format!("name: story\nschedule: {{ cron: 45 * * * *, input: {{ v: 1 }} }}\n{QUICK}")).await;
    host.advance(Duration::from_mins(15)).await;
    assert_eq!(due(&host), ["08:45"]);
    host.advance(Duration::from_mins(30)).await;
    assert_eq!(due(&host), ["08:45"], "9:00 is no time of it any more");
    let name = "story".parse().unwrap();
    within(host.engine.retire_playbook(&ada(), &runtime(), &name)).await.unwrap();
    host.advance(HOUR * 3).await;
    assert_eq!(due(&host), ["08:45"]);
    host.publish(&hourly("", QUICK)).await;
    host.settle().await;
    assert_eq!(due(&host), ["08:45"], "what came while it was retired is not made up for");
}

#[tokio::test]
async fn a_new_version_with_the_same_schedule_loses_no_due_time() {
    let mut host = TestHost::new().await;
    host.publish(&hourly(", missed: all", QUICK)).await;
    host.settle().await;
    host.life.kill();
    host.clock.advance(HOUR + Duration::from_mins(5));
    host.begin(Life::new(0)).await.unwrap();
    host.publish(&hourly(", missed: all", &format!("{QUICK}  - {{ name: b, set: {{ x: 1 }} }}\n"))).await;
    host.settle().await;
    assert_eq!(due(&host), ["09:00"]);
}

#[tokio::test]
async fn a_run_that_is_refused_is_left_out_and_the_next_one_comes() {
    let host = TestHost::new().await;
    host.publish(
        "name: story\nschedule: { cron: 0 * * * * }\nsteps:\n  - { name: a, operation: none/such }\n",
    )
    .await;
    host.advance(HOUR).await;
    assert_eq!(host.store.ids(), []);
    host.publish(&hourly("", QUICK)).await;
    host.advance(HOUR).await;
    assert_eq!(due(&host), ["10:00"]);
}

#[tokio::test]
async fn a_due_time_waits_for_the_store() {
    let host = TestHost::new().await;
    host.publish(&hourly("", QUICK)).await;
    host.settle().await;
    host.store.unavailable(true);
    host.advance(HOUR).await;
    host.store.unavailable(false);
    host.advance(Duration::from_secs(2)).await;
    assert_eq!(due(&host), ["09:00"]);
}

#[tokio::test]
async fn a_list_of_schedules_tells_the_next_and_the_last_run() {
    let host = TestHost::new().await;
    host.publish(&hourly("", QUICK)).await;
    host.publish("name: other\nsteps:\n  - { name: a, set: { x: 1 } }\n").await;
    let (ada, runtime) = (ada(), runtime());
    let list = || within(host.engine.schedules(&ada, &runtime));
    let infos = list().await.unwrap();
    assert_eq!((infos.len(), infos[0].last.is_none()), (1, true));
    host.advance(HOUR).await;
    let info = list().await.unwrap().remove(0);
    assert_eq!(info.next, Some("2026-03-01T10:00:00Z".parse::<Timestamp>().unwrap()));
    assert_eq!(info.last.map(|last| last.id), Some(host.store.ids()[0]));
    let unknown = "nowhere".parse().unwrap();
    assert!(within(host.engine.schedules(&ada, &unknown)).await.is_err());
}
