//! `arithmetic`: a plain component, as other people write them: typed functions and nothing of Orgata's.
//!
//! Its types are chosen to give the host's mapping from WIT to JSON Schema something of everything.

mod numbers;
mod pricing;

#[allow(unreachable_pub, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "arithmetic" });
}

use bindings::{Guest, Refund};

struct Arithmetic;

impl Guest for Arithmetic {
    fn refund_fee(amount: f64) -> Refund {
        let fee = cents((amount * 0.02).clamp(0.5, 20.0).min(amount.max(0.0)));
        Refund { fee, payout: cents(amount - fee) }
    }
}

fn cents(amount: f64) -> f64 {
    (amount * 100.0).round() / 100.0
}

// Elsewhere the exported names are no legal symbols; there the guest is only named, or it would seem dead.
#[cfg(not(target_arch = "wasm32"))]
const _: fn(f64) -> Refund = <Arithmetic as Guest>::refund_fee;
#[cfg(target_arch = "wasm32")]
bindings::export!(Arithmetic with_types_in bindings);
