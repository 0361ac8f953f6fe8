//! Numbers of every width, and what else a type can be.

use crate::Arithmetic;
use crate::bindings::exports::shop::arithmetic::numbers::{Guest, Statistics};

impl Guest for Arithmetic {
    fn add(a: i64, b: i64) -> Result<i64, String> {
        a.checked_add(b).ok_or_else(|| format!("{a} + {b} is over 64 bits"))
    }

    fn larger(a: u8, b: u8) -> u8 {
        a.max(b)
    }

    fn divide(dividend: i32, divisor: i32) -> Option<(i32, i32)> {
        Some((dividend.checked_div(divisor)?, dividend.checked_rem(divisor)?))
    }

    fn describe(values: Vec<f64>) -> Option<Statistics> {
        let first = *values.first()?;
        let (smallest, largest, sum) =
            values.iter().fold((first, first, 0.0), |(smallest, largest, sum), value| {
                (value.min(smallest), value.max(largest), sum + value)
            });
        Some(Statistics { count: values.len() as u64, smallest, largest, mean: sum / values.len() as f64 })
    }

    fn checksum(data: Vec<u8>) -> u32 {
        // Bit by bit: a table would be larger than the rest of this component.
        !data.iter().fold(u32::MAX, |crc, byte| {
            (0..8)
                .fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
        })
    }

    fn reverse(mut data: Vec<u8>) -> Vec<u8> {
        data.reverse();
        data
    }

    fn check_even(value: u64) -> Result<(), ()> {
        value.is_multiple_of(2).then_some(()).ok_or(())
    }

    fn letter(text: String, at: u16) -> Option<char> {
        text.chars().nth(usize::from(at))
    }

    fn unfold(value: Option<Option<i16>>) -> String {
        match value {
            None => "not given".into(),
            Some(None) => "given as nothing".into(),
            Some(Some(value)) => format!("given: {value}"),
        }
    }

    fn rest() {}
}
