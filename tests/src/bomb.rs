//! A component that is small and valid, and takes a compiler minutes: made at test time, byte by byte.
//!
//! Its functions are thousands of loops over a thousand variables. Which value each variable has at the head of
//! each loop is what an optimising compiler must find out, and that grows with the product of both.

/// Functions, so that every thread of the compiler has one.
const FUNCTIONS: usize = 16;
const VARIABLES: usize = 1000;
const LOOPS: usize = 10_000;

/// What the one function of the component is called. It is never run.
const NAME: &[u8] = b"\x05never";

const I32: u8 = 0x7f;
const U32: u8 = 0x79;

/// The component. `salt` makes it another one each time, for caches.
pub fn huge_to_compile(salt: u32) -> Vec<u8> {
    let lift = [&[0, 0, 1, 0][..], NAME].concat();
    let export = [&[0][..], NAME, &[1, 0, 0]].concat();
    let parts = [
        section(1, core_module(salt)),
        section(2, list([vec![0, 0, 0]])),         // an instance of it
        section(7, list([vec![0x40, 0, 0, U32]])), // the type () -> u32
        section(6, list([lift])),                  // the instance's function,
        section(8, list([vec![0, 0, 0, 0, 0]])),   // lifted to that type,
        section(11, list([export])),               // and exported
    ];
    [b"\0asm\x0d\0\x01\0".to_vec(), parts.concat()].concat()
}

fn core_module(salt: u32) -> Vec<u8> {
    let export = [NAME, &[0, 0]].concat();
    let body = body(salt);
    let parts = [
        section(1, list([vec![0x60, 0, 1, I32]])),
        section(3, list(vec![vec![0]; FUNCTIONS])),
        section(7, list([export])),
        section(10, list(vec![body; FUNCTIONS])),
    ];
    [b"\0asm\x01\0\0\0".to_vec(), parts.concat()].concat()
}

fn body(salt: u32) -> Vec<u8> {
    let mut code = list([[number(VARIABLES), vec![I32]].concat()]);
    for turn in 0..LOOPS {
        let variable = |step: usize, from: usize| number((turn * step + from) % VARIABLES);
        code.extend([0x03, 0x40]); // loop
        code.push(0x20); // local.get
        code.extend(variable(7, salt as usize));
        code.push(0x20); // local.get
        code.extend(variable(13, 1));
        code.extend([0x6a, 0x22]); // i32.add, local.tee
        code.extend(variable(29, 2));
        code.extend([0x0d, 0, 0x0b]); // br_if 0, end
    }
    code.extend([0x20, 0, 0x0b]); // local.get 0, end
    [number(code.len()), code].concat()
}

fn section(id: u8, content: Vec<u8>) -> Vec<u8> {
    [vec![id], number(content.len()), content].concat()
}

fn list(items: impl AsRef<[Vec<u8>]>) -> Vec<u8> {
    let items = items.as_ref();
    [number(items.len()), items.concat()].concat()
}

/// LEB128, as WebAssembly writes numbers.
fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
