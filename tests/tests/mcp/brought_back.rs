//! What a client is given to bring back with its answers (`requestState`): whose it must be, and how often it is good.

use serde_json::json;

use crate::assistant::sandwich;
use crate::kitchens::Kitchens;

#[tokio::test]
async fn what_is_brought_back_is_refused_when_it_is_foreign_or_was_tampered_with() {
    let kitchens = Kitchens::new().await;
    let asked = kitchens.asked().await;
    let mut elsewhere = sandwich("classic", "20s");
    elsewhere["runtimeId"] = json!("kitchen-v2");
    let last = if asked.state.ends_with('0') { "1" } else { "0" };
    let tampered = format!("{}{last}", &asked.state[..asked.state.len() - 1]);
    let (ann, bob, eve) = (&kitchens.ann, &kitchens.bob, &kitchens.eve);
    for (who, arguments, state) in [
        (bob, elsewhere.clone(), asked.state.as_str()),
        (bob, sandwich("classic", "20s"), &asked.state),
        (eve, sandwich("classic", "20s"), &asked.state),
        (ann, sandwich("deluxe", "20s"), &asked.state),
        (ann, elsewhere, &asked.state),
        (ann, sandwich("classic", "20s"), &tampered),
        (ann, sandwich("classic", "20s"), &asked.state.to_uppercase()),
        (ann, sandwich("classic", "20s"), &format!("{} ", asked.state)),
        (ann, sandwich("classic", "20s"), ""),
        (ann, sandwich("classic", "20s"), &"x".repeat(10_000)),
    ] {
        let given = kitchens.execute(who, arguments, asked.answered(state)).await;
        assert_eq!(given["result"]["isError"], true, "{state:.60}: {given:#}");
        assert!(!given.to_string().contains("Which jelly"), "{given:#}");
    }
    assert_eq!(kitchens.count(&asked.state, "intervention_resolved").await, 0);
    let given = kitchens.execute(ann, sandwich("classic", "20s"), asked.answered(&asked.state)).await;
    assert_eq!(given["result"]["structuredContent"]["status"], "succeeded", "{given:#}");
}

#[tokio::test]
async fn what_is_brought_back_approves_once_and_is_over_when_its_execution_is() {
    let kitchens = Kitchens::new().await;
    let asked = kitchens.asked().await;
    let again = async || {
        let arguments = sandwich("classic", "20s");
        kitchens.execute(&kitchens.ann, arguments, asked.answered(&asked.state)).await
    };
    for _ in 0..3 {
        let given = again().await;
        let told = &given["result"]["structuredContent"];
        assert_eq!((&told["status"], &told["executionId"]), (&json!("succeeded"), &json!(asked.state)));
    }
    // However often it came, it answered once and started nothing.
    assert_eq!(kitchens.count(&asked.state, "intervention_resolved").await, 1);
    let all = kitchens.host.get("/api/v1/executions").await.is(200);
    assert_eq!(all["items"].as_array().unwrap().len(), 1, "{all:#}");
    let gone = kitchens.host.delete(&format!("/api/v1/executions/{}", asked.state)).await;
    assert!(gone.status < 300, "{gone:?}");
    let given = again().await;
    assert_eq!(given["result"]["isError"], true, "{given:#}");
}
