//! The short run of every fuzz target, for a stable compiler: the committed corpus, and what a few thousand changes make
//! of it. Each crate with targets includes this file in its tests. The changes come from a fixed seed: a run that fails
//! fails again, and prints what it fed.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

/// Pieces that grammars of all kinds turn on.
const WORDS: [&[u8]; 24] = [
    b"{{",
    b"}}",
    b"$",
    b"$input.",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\"",
    b"'",
    b"\\",
    b"\n",
    b"\n  - ",
    b": ",
    b"&a",
    b"*a",
    b"!!",
    b"<<",
    b"0",
    b"-1",
    b"18446744073709551616",
    b"1e999",
    b"\xff",
    b"\xf0\x9f\x8d\x9e",
];
/// Longest input that is made, in bytes.
const LONGEST: usize = 64 << 10;

/// Feeds a target with the corpus `fuzz/corpus/NAME` and `count` changes of it.
pub(crate) fn run(name: &str, count: u32, target: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let mut seeds: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect();
    // Folders have no order.
    seeds.sort();
    assert!(!seeds.is_empty(), "{} has no corpus", folder.display());
    seeds.iter().for_each(|seed| feed(seed, &target));
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for _ in 0..count {
        let mut input = seeds[dice.below(seeds.len())].clone();
        for _ in 0..=dice.below(6) {
            change(&mut input, &seeds, &mut dice);
        }
        input.truncate(LONGEST);
        feed(&input, &target);
    }
}

fn feed(input: &[u8], target: &impl Fn(&[u8])) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(input))) {
        eprintln!("it was fed with {:?}", String::from_utf8_lossy(input));
        resume_unwind(panic);
    }
}

/// One change: a byte, a word, or a piece that is left out, repeated, or taken from somewhere else.
fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], dice: &mut Dice) {
    let at = dice.below(input.len() + 1);
    let piece = at..(at + dice.below(40)).min(input.len());
    match dice.below(6) {
        0 if at < input.len() => input[at] ^= 1 << dice.below(8),
        1 if at < input.len() => input[at] = dice.next().to_le_bytes()[0],
        2 => drop(input.drain(piece)),
        3 => {
            let piece = input[piece].repeat(1 + dice.below(200));
            input.splice(at..at, piece);
        }
        4 => {
            let other = &seeds[dice.below(seeds.len())];
            let from = dice.below(other.len() + 1);
            let piece = &other[from..(from + dice.below(80)).min(other.len())];
            input.splice(at..at, piece.iter().copied());
        }
        _ => drop(input.splice(at..at, WORDS[dice.below(WORDS.len())].iter().copied())),
    }
}

/// Numbers that look random and are the same every time (xorshift).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most.max(1) as u64).unwrap_or_default()
    }
}
