//! `kitchen`: makes sandwiches, the plugin of the first example playbook.
//!
//! Everything here only computes, so the component is `pure`. [`assemble`] shows how an operation asks a
//! person in the middle of its work.

use orgata_plugin::{Call, Failure, JsonSchema, Operation, Outcome, Plugin, Question, log, progress};
use serde::{Deserialize, Serialize};

orgata_plugin::export_plugin!(kitchen);

fn kitchen() -> Plugin {
    Plugin::new("kitchen", env!("CARGO_PKG_VERSION"), "Makes peanut-butter-and-jelly sandwiches.")
        .operation(
            Operation::new("gather-ingredients", gather_ingredients)
                .title("Gather ingredients")
                .description("Takes out of the cupboard what a sandwich of the given type needs.")
                .tags(["sandwich"])
                .idempotent()
                .example("a classic one", || (Order { kind: Kind::Classic }, Kind::Classic.ingredients())),
        )
        .operation(
            Operation::new("spread", spread)
                .title("Spread")
                .description("Spreads peanut butter and the chosen jelly on the bread and folds it.")
                .tags(["sandwich"])
                .idempotent()
                .example("grape on white bread", || {
                    let (jelly, on) = ("grape".to_owned(), "white-bread".to_owned());
                    (Toppings { jelly, on }, Plate { sandwich: Sandwich::new("white-bread", "grape") })
                }),
        )
        .operation(
            Operation::asking("assemble", assemble, cut_as_answered)
                .title("Assemble")
                .description(
                    "Cuts a sandwich and serves it. A deluxe sandwich whose cut is not given is held back \
                     until a person has said how to cut it; a classic one is cut straight.",
                )
                .tags(["sandwich", "asks"])
                .idempotent()
                .example("a classic one", || {
                    let sandwich = Sandwich::new("white-bread", "grape");
                    let order = Assembly { sandwich: sandwich.clone(), kind: Kind::Classic, cut: None };
                    (order, sandwich.serve(Cut::Straight))
                }),
        )
        .operation(
            Operation::new("discard", discard)
                .title("Discard")
                .description("Throws away what a failed playbook has made: the way back from `spread`.")
                .tags(["sandwich", "compensation"])
                .idempotent()
                .example("a sandwich", || {
                    let item = serde_json::json!({ "bread": "white-bread" });
                    (Waste { item: item.clone() }, Discarded { discarded: item })
                }),
        )
}

fn gather_ingredients(_: &Call, order: Order) -> Result<Gathered, Failure> {
    let gathered = order.kind.ingredients();
    log::info(&format!("took out {}", gathered.ingredients.join(", ")));
    Ok(gathered)
}

fn spread(_: &Call, toppings: Toppings) -> Result<Plate, Failure> {
    if toppings.jelly.trim().is_empty() {
        return Err(Failure::invalid_input("no-jelly", "a peanut-butter-and-jelly sandwich needs a jelly"));
    }
    progress::report(0.5, "peanut butter is on");
    Ok(Plate { sandwich: Sandwich::new(&toppings.on, &toppings.jelly) })
}

fn assemble(_: &Call, assembly: Assembly) -> Result<Outcome<Served>, Failure> {
    let cut = match (assembly.cut, assembly.kind) {
        (Some(cut), _) => cut,
        (None, Kind::Classic) => Cut::Straight,
        (None, Kind::Deluxe) => return ask_for_cut(&assembly.sandwich),
    };
    Ok(Outcome::Done(assembly.sandwich.serve(cut)))
}

fn ask_for_cut(sandwich: &Sandwich) -> Result<Outcome<Served>, Failure> {
    let prompt = "Cut it diagonally or straight?";
    let question = Question::new::<CutAnswer>("human_decision", prompt, sandwich)?;
    Ok(Outcome::Ask(question.options(["diagonally", "straight"])))
}

fn cut_as_answered(_: &Call, sandwich: Sandwich, answer: CutAnswer) -> Result<Outcome<Served>, Failure> {
    Ok(Outcome::Done(sandwich.serve(answer.cut)))
}

fn discard(_: &Call, waste: Waste) -> Result<Discarded, Failure> {
    log::info("threw it away");
    Ok(Discarded { discarded: waste.item })
}

/// What to make.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Order {
    /// The type of sandwich.
    #[serde(rename = "type")]
    kind: Kind,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Default)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Classic,
    Deluxe,
}

/// What lies on the table.
#[derive(Serialize, JsonSchema)]
struct Gathered {
    /// Everything that was taken out.
    ingredients: Vec<String>,
    /// The bread to spread on.
    bread: String,
}

/// What goes on what.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Toppings {
    /// The flavor of the jelly, such as `grape`.
    jelly: String,
    /// The bread.
    on: String,
}

/// A sandwich that is not served yet.
#[derive(Serialize, JsonSchema)]
struct Plate {
    sandwich: Sandwich,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone)]
#[serde(deny_unknown_fields)]
struct Sandwich {
    bread: String,
    /// What is between the slices, from the bottom up.
    filling: Vec<String>,
    /// How it is cut; absent while it is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cut: Option<Cut>,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Cut {
    Diagonally,
    Straight,
}

/// A sandwich to finish.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Assembly {
    /// The sandwich, as `spread` gave it.
    sandwich: Sandwich,
    /// The type of sandwich.
    #[serde(rename = "type", default)]
    kind: Kind,
    /// How to cut it, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cut: Option<Cut>,
}

/// How to cut it.
#[derive(Deserialize, JsonSchema)]
struct CutAnswer {
    cut: Cut,
}

/// A sandwich on a plate.
#[derive(Serialize, JsonSchema)]
struct Served {
    sandwich: Sandwich,
    /// How many pieces it is in.
    pieces: u32,
}

/// What to throw away.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Waste {
    /// Anything that an earlier step has made.
    item: serde_json::Value,
}

/// What was thrown away.
#[derive(Serialize, JsonSchema)]
struct Discarded {
    discarded: serde_json::Value,
}

impl Kind {
    fn ingredients(self) -> Gathered {
        let (bread, extra): (_, &[&str]) = match self {
            Kind::Classic => ("white-bread", &[]),
            Kind::Deluxe => ("brioche", &["banana", "honey"]),
        };
        let ingredients =
            ["bread", "peanut-butter", "jelly"].iter().chain(extra).map(|&name| name.to_owned()).collect();
        Gathered { ingredients, bread: bread.to_owned() }
    }
}

impl Sandwich {
    fn new(bread: &str, jelly: &str) -> Self {
        Sandwich {
            bread: bread.to_owned(),
            filling: vec!["peanut-butter".to_owned(), format!("{jelly} jelly")],
            cut: None,
        }
    }

    fn serve(self, cut: Cut) -> Served {
        Served { sandwich: Sandwich { cut: Some(cut), ..self }, pieces: 2 }
    }
}
