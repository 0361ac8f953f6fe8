//! The scenarios of the example playbooks.

use orgata_tests::binary;

use crate::{shop, simulate};

fn scenario(playbook: &str) -> String {
    let file = binary::playbooks().join(format!("{playbook}.scenario.yaml"));
    file.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_example_goes_as_its_scenario_expects() {
    let place = shop().await;
    for (playbook, parts) in [
        ("pbj-sandwich", vec!["? Which jelly flavor?", "by ada", "[real]", "after 6m of virtual time"]),
        ("refund-approval", vec!["nobody answered in time", "after 2d of virtual time", "passed"]),
        (
            "order-fulfilment",
            vec![
                "still waits for an answer",
                "one approval by frank",
                "pack-order/pack[0]",
                "(attempt 4 follows)",
                "[scenario]",
                "↶ undone",
                "never ran  rejected, courier, by-courier, by-post, thank",
                "note       event `payment.received` came when no step waited for it, or it did not match",
                "compensated after 3d",
            ],
        ),
    ] {
        let told = simulate(&place, &[playbook, "--scenario", &scenario(playbook)]).await.succeeded();
        for part in parts {
            assert!(told.contains(part), "{part:?} is not told of:\n{told}");
        }
        assert!(!told.contains('\u{1b}'), "no colours where nobody sees them:\n{told}");
    }
}

#[tokio::test]
async fn a_report_for_programs_has_everything() {
    let place = shop().await;
    let arguments = ["order-fulfilment", "--scenario", &scenario("order-fulfilment"), "--json"];
    let report = simulate(&place, &arguments).await.json();
    assert_eq!((&report["passed"], &report["status"]), (&true.into(), &"compensated".into()));
    assert_eq!(report["executions"][1]["playbookName"], "pack-order");
    let froms: Vec<_> =
        report["timeline"].as_array().unwrap().iter().filter_map(|it| it["from"].as_str()).collect();
    assert!(froms.contains(&"real") && froms.contains(&"scenario"), "{froms:?}");
    assert_eq!(simulate(&place, &arguments).await.json(), report, "the same every time");
}
