//! What operations tell of their progress.

use orgata_model::execution::{Fact, Status};
use serde_json::json;

use crate::durability::steps;
use crate::support::{Scripted, TestHost};

#[tokio::test]
async fn progress_is_recorded_and_does_not_move_the_step() {
    let host = TestHost::new().await;
    host.publish(&steps(&["calc/echo"])).await;
    host.world.script("calc/echo", [Scripted::Progress(vec![(0.25, "a"), (0.5, "b"), (1.0, "c")])]);
    let summary = host.run(json!({ "v": 1 })).await;
    assert_eq!(summary.status, Status::Succeeded);
    let told: Vec<_> = host
        .history(summary.id)
        .into_iter()
        .filter_map(|event| match event.fact {
            Fact::StepProgress { fraction, message, .. } => Some((fraction, message)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(0.25, "a".to_owned()), (0.5, "b".to_owned()), (1.0, "c".to_owned())]);
}

#[tokio::test]
async fn a_progress_that_is_no_fraction_does_not_break_the_history() {
    let host = TestHost::new().await;
    host.publish(&steps(&["calc/echo"])).await;
    let odd = vec![(f64::NAN, "nan"), (f64::INFINITY, "inf"), (-3.0, "below"), (f64::NEG_INFINITY, "-inf")];
    host.world.script("calc/echo", [Scripted::Progress(odd)]);
    let summary = host.run(json!({ "v": 1 })).await;
    assert_eq!(summary.status, Status::Succeeded);
    assert_eq!(host.count(summary.id, "step_progress"), 4);
}

#[tokio::test]
async fn a_guest_that_reports_without_end_does_not_fill_the_store() {
    let host = TestHost::new().await;
    host.publish(&steps(&["calc/echo"])).await;
    host.world.script("calc/echo", [Scripted::Progress(vec![(0.5, "again"); 5_000])]);
    let summary = host.run(json!({ "v": 1 })).await;
    assert_eq!(summary.status, Status::Succeeded);
    assert!(host.count(summary.id, "step_progress") < 40, "{}", host.count(summary.id, "step_progress"));
}
