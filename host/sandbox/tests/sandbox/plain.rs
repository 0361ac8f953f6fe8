//! Plain components: other people's functions as operations.

use orgata_engine::ports::{Plugins as _, Source};
use orgata_model::FailureKind;
use orgata_model::operation::Plugin;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::support::{Bench, assert_limit, component, guest};

async fn arithmetic() -> (Bench, Arc<Plugin>) {
    let bench = Bench::new().await;
    let plugin =
        bench.sandbox.load(guest("arithmetic"), Source::File("arithmetic.wasm".into())).await.unwrap();
    (bench, plugin)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_function_is_an_operation_with_schemas_from_its_types() {
    let (_bench, plugin) = arithmetic().await;
    assert_eq!(plugin.name.as_str(), "arithmetic");
    let names: Vec<_> = plugin.operations.iter().map(|operation| &*operation.name.operation).collect();
    assert_eq!(
        names,
        [
            "add",
            "check-even",
            "checksum",
            "describe",
            "divide",
            "larger",
            "letter",
            "price",
            "refund-fee",
            "rest",
            "reverse",
            "unfold"
        ]
    );
    let larger = plugin.operation("larger").unwrap();
    let byte = json!({ "type": "integer", "minimum": 0, "maximum": 255 });
    assert_eq!(
        *larger.input_schema,
        json!({
            "type": "object", "properties": { "a": byte, "b": byte }, "required": ["a", "b"], "additionalProperties": false
        })
    );
    assert_eq!(*larger.output_schema, byte);
    assert_eq!(larger.description, "`larger: func(a: u8, b: u8) -> u8`");
    assert!(larger.idempotent);
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_every_type_go_in_and_come_out() {
    let (bench, _) = arithmetic().await;
    for (operation, input, output) in [
        ("add", json!({ "a": 2, "b": "40" }), json!(42)),
        ("add", json!({ "a": "9007199254740993", "b": 0 }), json!("9007199254740993")),
        ("larger", json!({ "a": 3, "b": 200 }), json!(200)),
        ("divide", json!({ "dividend": 17, "divisor": 5 }), json!([3, 2])),
        ("divide", json!({ "dividend": 17, "divisor": 0 }), Value::Null),
        (
            "describe",
            json!({ "values": [1, 2.5, 4] }),
            json!({ "count": 3, "smallest": 1.0, "largest": 4.0, "mean": 2.5 }),
        ),
        ("describe", json!({ "values": [] }), Value::Null),
        ("checksum", json!({ "data": "MTIzNDU2Nzg5" }), json!(3_421_780_262_u32)),
        ("reverse", json!({ "data": "AQID" }), json!("AwIB")),
        ("check-even", json!({ "value": 4 }), Value::Null),
        ("letter", json!({ "text": "häh", "at": 1 }), json!("ä")),
        ("letter", json!({ "text": "", "at": 1 }), Value::Null),
        ("rest", json!({}), Value::Null),
        ("refund-fee", json!({ "amount": 100 }), json!({ "fee": 2.0, "payout": 98.0 })),
        (
            "price",
            json!({
                "lines": [{ "sku": "a", "quantity": 2, "unit-price": { "amount": 1000, "currency": "eur" } }],
                "discount": { "percent": 10 }, "perks": []
            }),
            json!({
                "subtotal": { "amount": 2000, "currency": "eur" },
                "discount": { "amount": 200, "currency": "eur" },
                "total": { "amount": 1800, "currency": "eur" },
                "perks": []
            }),
        ),
    ] {
        let given = bench.done(&format!("arithmetic/{operation}"), input.clone()).await;
        assert_eq!(given, output, "{operation} {input}");
    }
    let unfolded: Vec<_> =
        [json!({}), json!({ "value": { "some": null } }), json!({ "value": { "some": 3 } })].into();
    let mut seen = std::collections::BTreeSet::new();
    for input in unfolded {
        seen.insert(bench.done("arithmetic/unfold", input).await.to_string());
    }
    assert_eq!(seen.len(), 3, "three different things to say: {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_error_is_a_failure_with_its_value() {
    let (bench, _) = arithmetic().await;
    let failure = bench.fails("arithmetic/add", json!({ "a": i64::MAX, "b": 1 })).await;
    assert_eq!((failure.code.as_str(), failure.kind), ("GUEST_ERROR", FailureKind::Permanent));
    assert!(failure.details.unwrap().is_string());
    let failure = bench
        .fails("arithmetic/price", json!({ "lines": [], "discount": { "none": null }, "perks": [] }))
        .await;
    assert_eq!(failure.details, Some(json!({ "empty": null })), "{}", failure.message);
    let failure = bench.fails("arithmetic/check-even", json!({ "value": 3 })).await;
    assert_eq!(failure.code, "GUEST_ERROR");
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_do_not_fit_are_refused() {
    let (bench, _) = arithmetic().await;
    for (operation, input) in [
        ("larger", json!({ "a": 300, "b": 1 })),
        ("larger", json!({ "a": 1 })),
        ("larger", json!({ "a": 1, "b": 1, "c": 1 })),
        ("add", json!({ "a": "99999999999999999999", "b": 0 })),
        ("reverse", json!({ "data": "not base64!" })),
        ("price", json!({ "lines": [], "discount": { "percent": 1, "off": 2 }, "perks": [] })),
        ("price", json!({ "lines": [], "discount": { "none": null }, "perks": ["member", "member"] })),
    ] {
        let failure = bench.fails(&format!("arithmetic/{operation}"), input.clone()).await;
        assert_eq!(
            (failure.code.as_str(), failure.kind),
            ("INPUT_MISMATCH", FailureKind::InvalidInput),
            "{operation} {input}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_values_are_held_to_the_limits() {
    let (bench, _) = arithmetic().await;
    let kilobyte = "A".repeat(1024 * 4 / 3 / 4 * 4);
    let given = bench.done("arithmetic/reverse", json!({ "data": kilobyte.repeat(100) })).await;
    assert_eq!(given.as_str().unwrap().len(), kilobyte.len() * 100);
    let failure = bench.fails("arithmetic/reverse", json!({ "data": "A".repeat(5 << 20) })).await;
    assert_limit(&failure, "input");
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_of_one_name_are_told_apart_by_their_interface() {
    let bench = Bench::new().await;
    let interface = |name: &str| {
        format!(r#"(component ${name} (import "f" (func $f (result u32))) (export "go" (func $f)))"#)
    };
    let text = format!(
        r#"(component
            (core module $m (func (export "one") (result i32) (i32.const 1)) (func (export "two") (result i32) (i32.const 2)))
            (core instance $i (instantiate $m))
            (func $one (result u32) (canon lift (core func $i "one")))
            (func $two (result u32) (canon lift (core func $i "two")))
            {} {}
            (instance $a (instantiate $left (with "f" (func $one))))
            (instance $b (instantiate $right (with "f" (func $two))))
            (export "acme:tools/left@1.0.0" (instance $a))
            (export "acme:tools/right@1.0.0" (instance $b))
            (export "alone" (func $one)))"#,
        interface("left"),
        interface("right"),
    );
    let source = Source::File("/somewhere/Twin_Tools.wasm".into());
    let plugin = bench.sandbox.load(component(&text), source).await.unwrap();
    assert_eq!(plugin.name.as_str(), "twin-tools");
    let names: Vec<_> = plugin.operations.iter().map(|operation| &*operation.name.operation).collect();
    assert_eq!(names, ["alone", "left.go", "right.go"]);
    assert_eq!(bench.done("twin-tools/right.go", json!({})).await, json!(2));
    assert_eq!(bench.done("twin-tools/alone", json!({})).await, json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_without_any_name_is_refused() {
    let bench = Bench::new().await;
    let nameless = component(
        r#"(component
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func (export "f") (canon lift (core func $i "f"))))"#,
    );
    assert_eq!(bench.refusal(nameless).await.code, "BAD_NAME");
}
