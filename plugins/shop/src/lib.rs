//! `shop`: what an order needs, for the example `order-fulfilment`.
//!
//! It stands for the systems of a real shop, and keeps nothing: what it gives follows from what it is given, so the
//! component is `pure`. An item whose name begins with `rare-` is never in stock, and nobody delivers to `nowhere`:
//! that is how a playbook is tried that fails.
//!
//! [`reserve`] and [`invoice`] have a way back each, [`release`] and [`cancel_invoice`], for `compensation`.

use orgata_plugin::{Call, Failure, JsonSchema, Operation, Plugin, log};
use serde::{Deserialize, Serialize};

orgata_plugin::export_plugin!(shop);

/// Most pieces of an item in stock.
const STOCK: u32 = 100;

fn shop() -> Plugin {
    Plugin::new("shop", env!("CARGO_PKG_VERSION"), "Takes orders: stock, payment, parcels.")
        .operation(
            Operation::new("quote", quote)
                .title("Quote")
                .description("Adds up what the lines of an order cost.")
                .tags(["order"])
                .idempotent()
                .example("two lines", || {
                    let lines = vec![Line::new("jam", 2, 350), Line::new("bread", 1, 420)];
                    (Lines { lines }, Quote { total: 1120, pieces: 3 })
                }),
        )
        .operation(
            Operation::new("reserve", reserve)
                .title("Reserve")
                .description("Takes pieces of one item out of the stock. Items named rare-… are never there.")
                .tags(["stock"])
                .idempotent()
                .example("two jars of jam", || {
                    let reserved = Reserved { reservation: "res-jam-2".to_owned() };
                    (Line::new("jam", 2, 350), reserved)
                }),
        )
        .operation(
            Operation::new("release", release)
                .title("Release")
                .description("Puts back what was reserved: the way back from `reserve`.")
                .tags(["stock", "compensation"])
                .idempotent()
                .example("a reservation", || {
                    let reservation = "res-jam-2".to_owned();
                    (Reservation { reservation: reservation.clone() }, Released { released: reservation })
                }),
        )
        .operation(
            Operation::new("invoice", invoice)
                .title("Invoice")
                .description("Asks a customer for money. That it was paid is an event, `payment.received`.")
                .tags(["payment"])
                .idempotent()
                .example("order o-17", || {
                    let demand = Demand { order: "o-17".to_owned(), amount: 1120 };
                    (demand, Invoice { invoice: "inv-o-17".to_owned(), amount: 1120 })
                }),
        )
        .operation(
            Operation::new("cancel-invoice", cancel_invoice)
                .title("Cancel an invoice")
                .description("Takes an invoice back, and what was paid of it: the way back from `invoice`.")
                .tags(["payment", "compensation"])
                .idempotent(),
        )
        .operation(
            Operation::new("pack", pack)
                .title("Pack")
                .description("Packs pieces of one item into a box.")
                .tags(["parcel"])
                .idempotent(),
        )
        .operation(
            Operation::new("ship", ship)
                .title("Ship")
                .description("Hands a parcel over. Nobody delivers to `nowhere`.")
                .tags(["parcel"])
                .idempotent(),
        )
        .operation(
            Operation::new("thank", thank)
                .title("Thank")
                .description("Writes to a customer. An address without @ is a failure.")
                .tags(["mail"])
                .idempotent(),
        )
}

fn quote(_: &Call, order: Lines) -> Result<Quote, Failure> {
    let cost = |line: &Line| u64::from(line.quantity).saturating_mul(line.price);
    Ok(Quote {
        total: order.lines.iter().map(cost).fold(0, u64::saturating_add),
        pieces: order.lines.iter().map(|line| u64::from(line.quantity)).sum(),
    })
}

fn reserve(_: &Call, line: Line) -> Result<Reserved, Failure> {
    let Line { item, quantity, .. } = line;
    if item.starts_with("rare-") || quantity > STOCK {
        return Err(Failure::permanent("out-of-stock", format!("there are no {quantity} of {item}")));
    }
    log::info(&format!("reserved {quantity} of {item}"));
    Ok(Reserved { reservation: format!("res-{item}-{quantity}") })
}

fn release(_: &Call, reservation: Reservation) -> Result<Released, Failure> {
    log::info(&format!("released {}", reservation.reservation));
    Ok(Released { released: reservation.reservation })
}

fn invoice(_: &Call, demand: Demand) -> Result<Invoice, Failure> {
    Ok(Invoice { invoice: format!("inv-{}", demand.order), amount: demand.amount })
}

fn cancel_invoice(_: &Call, cancelled: Cancelled) -> Result<Cancelled, Failure> {
    log::info(&format!("cancelled {}", cancelled.invoice));
    Ok(cancelled)
}

fn pack(_: &Call, line: Line) -> Result<Packed, Failure> {
    Ok(Packed { packed: format!("{} {}", line.quantity, line.item), grams: u64::from(line.quantity) * 250 })
}

fn ship(_: &Call, parcel: Parcel) -> Result<Shipped, Failure> {
    if parcel.address == "nowhere" {
        return Err(Failure::permanent("undeliverable", "nobody delivers to nowhere"));
    }
    let speed = if parcel.express { "express" } else { "post" };
    Ok(Shipped { tracking: format!("{speed}-{}g-{}", parcel.grams, parcel.address) })
}

fn thank(_: &Call, letter: Letter) -> Result<Sent, Failure> {
    if !letter.to.contains('@') {
        return Err(Failure::permanent("no-such-address", format!("{} is no address", letter.to)));
    }
    Ok(Sent { sent: letter.text })
}

/// The lines of an order.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Lines {
    lines: Vec<Line>,
}

/// Some pieces of one item.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Line {
    /// The item's name.
    item: String,
    /// How many pieces.
    #[schemars(range(min = 1))]
    quantity: u32,
    /// Of one piece, in cents.
    #[serde(default)]
    price: u64,
}

/// What an order costs.
#[derive(Serialize, JsonSchema)]
struct Quote {
    /// In cents.
    total: u64,
    /// How many pieces it has.
    pieces: u64,
}

/// What was taken out of the stock.
#[derive(Serialize, JsonSchema)]
struct Reserved {
    reservation: String,
}

/// What to put back.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Reservation {
    reservation: String,
}

/// What was put back.
#[derive(Serialize, JsonSchema)]
struct Released {
    released: String,
}

/// Money to ask for.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Demand {
    /// The order's number.
    order: String,
    /// In cents.
    amount: u64,
}

/// What a customer is to pay.
#[derive(Serialize, JsonSchema)]
struct Invoice {
    invoice: String,
    /// In cents.
    amount: u64,
}

/// An invoice that nobody need pay.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Cancelled {
    invoice: String,
}

/// A packed line.
#[derive(Serialize, JsonSchema)]
struct Packed {
    /// What is in the box.
    packed: String,
    /// What it weighs.
    grams: u64,
}

/// A parcel to hand over.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parcel {
    /// Where to.
    address: String,
    /// What it weighs.
    grams: u64,
    /// Whether it is in a hurry.
    #[serde(default)]
    express: bool,
}

/// A parcel on its way.
#[derive(Serialize, JsonSchema)]
struct Shipped {
    /// To follow it by.
    tracking: String,
}

/// What to write.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Letter {
    /// An address with an @.
    to: String,
    text: String,
}

/// What was written.
#[derive(Serialize, JsonSchema)]
struct Sent {
    sent: String,
}

impl Line {
    fn new(item: &str, quantity: u32, price: u64) -> Self {
        Line { item: item.to_owned(), quantity, price }
    }
}
