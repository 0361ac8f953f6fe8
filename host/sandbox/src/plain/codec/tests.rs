//! The codec and the schema agree, and nothing is lost between them.

use super::*;
use orgata_model::schema::Schema;
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::json;

const INTEGERS: [Integer; 8] = [
    Integer::S8,
    Integer::U8,
    Integer::S16,
    Integer::U16,
    Integer::S32,
    Integer::U32,
    Integer::S64,
    Integer::U64,
];

fn names(most: usize) -> impl Strategy<Value = Vec<String>> {
    let all = ["a", "b", "c", "some", "ok", "err", "long-name", "x1", "x2"].map(str::to_owned).to_vec();
    subsequence(all, 1..=most)
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Bool),
        (0..8_usize).prop_map(|at| Shape::Integer(INTEGERS[at])),
        Just(Shape::Float32),
        Just(Shape::Float64),
        Just(Shape::Char),
        Just(Shape::String),
        Just(Shape::Bytes),
        names(9).prop_map(Shape::Enum),
        names(9).prop_map(Shape::Flags),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            boxed.clone().prop_map(|item| match *item {
                Shape::Integer(Integer::U8) => Shape::Bytes,
                _ => Shape::List(item),
            }),
            boxed.clone().prop_map(Shape::Option),
            boxed.clone().prop_map(|shape| Shape::Option(Box::new(Shape::Option(shape)))),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Shape::Tuple),
            (names(4), prop::collection::vec(inner.clone(), 4))
                .prop_map(|(names, shapes)| Shape::Record(names.into_iter().zip(shapes).collect())),
            (names(4), prop::collection::vec(prop::option::of(inner), 4))
                .prop_map(|(names, shapes)| Shape::Variant(names.into_iter().zip(shapes).collect())),
            (prop::option::of(boxed.clone()), prop::option::of(boxed))
                .prop_map(|(ok, err)| Shape::Result { ok, err }),
        ]
    })
}

fn value(shape: &Shape) -> BoxedStrategy<Val> {
    match shape {
        Shape::Bool => any::<bool>().prop_map(Val::Bool).boxed(),
        Shape::Integer(integer) => {
            let integer = *integer;
            let (least, most) = integer.range();
            let number = prop_oneof![Just(least), Just(most), Just(0.max(least)), least..=most];
            number.prop_map(move |number| integer.value(number).unwrap()).boxed()
        }
        Shape::Float32 => any::<u32>().prop_map(|bits| Val::Float32(f32::from_bits(bits))).boxed(),
        Shape::Float64 => any::<u64>().prop_map(|bits| Val::Float64(f64::from_bits(bits))).boxed(),
        Shape::Char => any::<char>().prop_map(Val::Char).boxed(),
        Shape::String => any::<String>().prop_map(Val::String).boxed(),
        Shape::Bytes => {
            let bytes = prop::collection::vec(any::<u8>(), 0..20);
            bytes.prop_map(|bytes| Val::List(bytes.into_iter().map(Val::U8).collect())).boxed()
        }
        Shape::List(item) => prop::collection::vec(value(item), 0..4).prop_map(Val::List).boxed(),
        Shape::Record(fields) => {
            let (names, values): (Vec<_>, Vec<_>) =
                fields.iter().map(|(name, shape)| (name.clone(), value(shape))).unzip();
            values.prop_map(move |values| Val::Record(names.iter().cloned().zip(values).collect())).boxed()
        }
        Shape::Tuple(items) => items.iter().map(value).collect::<Vec<_>>().prop_map(Val::Tuple).boxed(),
        Shape::Variant(cases) => {
            let case = |(name, shape): &(String, Option<Shape>)| {
                let name = name.clone();
                payload(shape.as_ref()).prop_map(move |payload| Val::Variant(name.clone(), payload)).boxed()
            };
            prop::strategy::Union::new(cases.iter().map(case)).boxed()
        }
        Shape::Enum(names) => prop::sample::select(names.clone()).prop_map(Val::Enum).boxed(),
        Shape::Option(some) => prop::option::of(value(some).prop_map(Box::new)).prop_map(Val::Option).boxed(),
        Shape::Result { ok, err } => prop_oneof![
            payload(ok.as_deref()).prop_map(|payload| Val::Result(Ok(payload))),
            payload(err.as_deref()).prop_map(|payload| Val::Result(Err(payload))),
        ]
        .boxed(),
        Shape::Flags(names) => subsequence(names.clone(), 0..=names.len()).prop_map(Val::Flags).boxed(),
    }
}

fn payload(shape: Option<&Shape>) -> BoxedStrategy<Option<Box<Val>>> {
    match shape {
        Some(shape) => value(shape).prop_map(|value| Some(Box::new(value))).boxed(),
        None => Just(None).boxed(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_written_fits_the_schema_and_reads_back_the_same(
        (shape, value) in shape().prop_flat_map(|shape| { let values = value(&shape); (Just(shape), values) })
    ) {
        let json = shape.encode(&value).unwrap();
        let schema = shape.schema();
        let checked = Schema::compile(&schema).unwrap().check(&json);
        prop_assert!(checked.is_ok(), "{shape}\n{schema}\n{json}\n{checked:?}");
        // Through text, as it travels.
        let json: Value = serde_json::from_str(&json.to_string()).unwrap();
        let back = shape.decode(&json, &mut Decoder::new()).unwrap();
        // wasmtime holds NaN equal to itself.
        prop_assert_eq!(back, value, "{} {}", shape, json);
    }

    #[test]
    fn nonsense_is_refused_and_never_panics(shape in shape(), text in "[\\[\\]{}:,\"a-z0-9.eE+-]{0,40}") {
        if let Ok(json) = serde_json::from_str(&text) {
            let _ = shape.decode(&json, &mut Decoder::new());
        }
    }
}

#[track_caller]
fn decoded(shape: &Shape, json: Value) -> Result<Val, Mismatch> {
    shape.decode(&json, &mut Decoder::new())
}

#[test]
fn wide_integers_are_numbers_or_strings() {
    let wide = Shape::Integer(Integer::U64);
    assert_eq!(decoded(&wide, json!(7)), Ok(Val::U64(7)));
    assert_eq!(decoded(&wide, json!("18446744073709551615")), Ok(Val::U64(u64::MAX)));
    assert_eq!(decoded(&wide, json!(u64::MAX)), Ok(Val::U64(u64::MAX)));
    assert_eq!(wide.encode(&Val::U64(u64::MAX)), Ok(json!("18446744073709551615")));
    assert_eq!(wide.encode(&Val::U64(7)), Ok(json!(7)));
    for bad in [json!("18446744073709551616"), json!(-1), json!(1.5), json!("x"), json!(1e300)] {
        assert!(decoded(&wide, bad.clone()).is_err(), "{bad}");
    }
    assert!(decoded(&Shape::Integer(Integer::U8), json!("7")).is_err(), "narrow ones are numbers only");
    assert_eq!(
        decoded(&Shape::Integer(Integer::U8), json!(7.0)),
        Ok(Val::U8(7)),
        "JSON Schema counts 7.0 as an integer"
    );
}

#[test]
fn a_single_is_written_as_people_wrote_it() {
    assert_eq!(Shape::Float32.encode(&Val::Float32(0.1)), Ok(json!(0.1)));
}

#[test]
fn options_are_left_out_or_null_or_tagged() {
    let some = Shape::Option(Box::new(Shape::Bool));
    let record = Shape::Record(vec![("a".to_owned(), some.clone()), ("b".to_owned(), Shape::Bool)]);
    let none = Val::Record(vec![("a".to_owned(), Val::Option(None)), ("b".to_owned(), Val::Bool(true))]);
    assert_eq!(decoded(&record, json!({ "b": true })), Ok(none.clone()));
    assert_eq!(decoded(&record, json!({ "a": null, "b": true })), Ok(none.clone()));
    assert_eq!(record.encode(&none), Ok(json!({ "b": true })));
    let nested = Shape::Option(Box::new(some));
    assert_eq!(decoded(&nested, json!({ "some": null })), Ok(Val::Option(Some(Box::new(Val::Option(None))))));
}

#[test]
fn a_mismatch_says_where() {
    let list = Shape::List(Box::new(Shape::Record(vec![("n".to_owned(), Shape::Integer(Integer::U8))])));
    let error = decoded(&list, json!([{ "n": 1 }, { "n": 300 }])).unwrap_err();
    assert_eq!(error.to_string(), "/1/n: it must be a whole number from 0 to 255");
    let error = decoded(&list, json!([{ "n": 1, "m": 2 }])).unwrap_err();
    assert_eq!(error.to_string(), "/0: there is no \"m\" here");
}

#[test]
fn a_value_of_too_many_parts_is_refused() {
    let bytes = json!(STANDARD.encode(vec![0; MAX_PARTS + 1]));
    assert!(decoded(&Shape::Bytes, bytes).is_err());
}
