//! What an order costs: lines, less the best of its discount and its perks.

use crate::Arithmetic;
use crate::bindings::exports::shop::arithmetic::pricing::{
    Currency, Discount, Guest, Line, Money, Perks, PricingError, Quote,
};

/// The vouchers that there are, and their percentage.
const VOUCHERS: &[(&str, i64)] = &[("WELCOME", 10), ("SUMMER", 15)];

impl Guest for Arithmetic {
    fn price(
        lines: Vec<Line>,
        discount: Discount,
        perks: Perks,
        note: Option<String>,
    ) -> Result<Quote, PricingError> {
        let currency = currency(&lines)?;
        let subtotal = subtotal(&lines).ok_or(PricingError::Overflow)?;
        let off = off(subtotal, &discount)?.max(percent(subtotal, perk(perks))).clamp(0, subtotal.max(0));
        let money = |amount| Money { amount, currency };
        Ok(Quote {
            subtotal: money(subtotal),
            discount: money(off),
            total: money(subtotal - off),
            perks,
            note,
        })
    }
}

fn currency(lines: &[Line]) -> Result<Currency, PricingError> {
    let first = lines.first().ok_or(PricingError::Empty)?.unit_price.currency;
    match lines.iter().find(|line| line.unit_price.currency != first) {
        Some(other) => Err(PricingError::MixedCurrencies(other.unit_price.currency)),
        None => Ok(first),
    }
}

fn subtotal(lines: &[Line]) -> Option<i64> {
    lines.iter().try_fold(0_i64, |sum, line| {
        sum.checked_add(line.unit_price.amount.checked_mul(i64::from(line.quantity))?)
    })
}

fn off(subtotal: i64, discount: &Discount) -> Result<i64, PricingError> {
    Ok(match discount {
        Discount::None => 0,
        Discount::Percent(of_hundred) => percent(subtotal, i64::from(*of_hundred)),
        Discount::Off(amount) => i64::try_from(*amount).unwrap_or(i64::MAX),
        Discount::Voucher((code, _)) => {
            let unknown = || PricingError::UnknownVoucher(code.clone());
            let (_, of_hundred) = VOUCHERS.iter().find(|(known, _)| known == code).ok_or_else(unknown)?;
            percent(subtotal, *of_hundred)
        }
    })
}

fn perk(perks: Perks) -> i64 {
    let percentages = [(Perks::STAFF, 30), (Perks::MEMBER, 10), (Perks::FIRST_ORDER, 5)];
    percentages
        .iter()
        .filter(|(perk, _)| perks.contains(*perk))
        .map(|(_, percent)| *percent)
        .max()
        .unwrap_or(0)
}

/// Rounded down, in the smallest unit; through 128 bits, where nothing can overflow.
fn percent(amount: i64, of_hundred: i64) -> i64 {
    i64::try_from(i128::from(amount) * i128::from(of_hundred) / 100).unwrap_or(amount)
}
