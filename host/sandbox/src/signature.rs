//! Signatures of plugins: Ed25519, in the component itself or in a file beside it.
//!
//! What is signed is a mark and the SHA-256 of the component without its sections named `orgata-signature`, so several may
//! sign one after the other, and a signature is the same in both places: the signer's public key (32 bytes) and the
//! signature (64 bytes). In a component it is a custom section at its outermost level, of that name and nothing else in it;
//! beside it, in `NAME.wasm.sig`, it is one line of 192 hex digits for each signer.
//!
//! A signature that does not fit is no error: it counts for nothing. Who is believed, and where one is asked for, is the
//! operator's (`model::signature`).

use std::ops::Range;
use std::path::{Path, PathBuf};

use orgata_model::Digest;
use orgata_model::signature::SignerKey;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use wasmparser::{Parser, Payload};

/// The name of the section.
const SECTION: &str = "orgata-signature";
/// What every signed text begins with.
const MARK: &[u8] = b"orgata plugin signature 1\n";
/// Bytes of a key and of a signature with it.
const LENGTH: usize = 32 + 64;
/// Signatures that are looked at, at most: each costs some time.
const MOST: usize = 16;
/// Longest file of signatures, in bytes.
const MOST_BYTES: u64 = (MOST * (2 * LENGTH + 2)) as u64;

/// A key that signs.
pub struct SigningKey(Ed25519KeyPair);

/// Why something cannot be signed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SignError {
    /// It is no key.
    #[error("a signing key is 64 hex digits: make one with `orgata plugin keygen`")]
    Key,
    /// It is no component, or a broken one.
    #[error("it is no whole WebAssembly component: {0}")]
    Component(String),
    /// No random numbers.
    #[error("this machine gives no random numbers")]
    Random,
}

impl SigningKey {
    /// A new one, as text: whoever has it signs.
    pub fn generate() -> Result<String, SignError> {
        let seed: [u8; 32] =
            ring::rand::generate(&SystemRandom::new()).map_err(|_| SignError::Random)?.expose();
        Ok(Digest::from(seed).hex())
    }

    /// Reads one.
    pub fn parse(text: &str) -> Result<Self, SignError> {
        let text = text.trim();
        if text.starts_with("sha256:") {
            return Err(SignError::Key);
        }
        let seed: Digest = text.parse().map_err(|_| SignError::Key)?;
        Ed25519KeyPair::from_seed_unchecked(seed.bytes()).map(Self).map_err(|_| SignError::Key)
    }

    /// Its public half.
    pub fn public(&self) -> SignerKey {
        let bytes = <[u8; 32]>::try_from(self.0.public_key().as_ref()).unwrap_or_default();
        SignerKey::from(bytes)
    }

    fn sign(&self, component: &[u8]) -> Result<Vec<u8>, SignError> {
        let text = signed_text(component)?;
        let mut signature = self.public().bytes().to_vec();
        signature.extend_from_slice(self.0.sign(&text).as_ref());
        Ok(signature)
    }

    /// The component with this key's signature in it.
    pub fn embed(&self, component: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = self.sign(component)?;
        let mut content = leb(SECTION.len());
        content.extend_from_slice(SECTION.as_bytes());
        content.extend_from_slice(&signature);
        let mut signed = component.to_vec();
        signed.push(0);
        signed.extend(leb(content.len()));
        signed.extend(content);
        Ok(signed)
    }

    /// A line for the file beside the component.
    pub fn line(&self, component: &[u8]) -> Result<String, SignError> {
        Ok(orgata_model::text::hex(&self.sign(component)?) + "\n")
    }
}

/// Whose signatures are in a component, or in the text of the file beside it, and fit; each once.
pub fn signers(component: &[u8], beside: &str) -> Vec<SignerKey> {
    let Ok((sections, text)) = sections(component) else { return Vec::new() };
    if sections.is_empty() && beside.is_empty() {
        return Vec::new();
    }
    let lines = beside.lines().filter_map(|line| bytes(line.trim()));
    let mut found: Vec<SignerKey> = sections
        .into_iter()
        .chain(lines)
        .take(MOST)
        .filter_map(|signature| signer(&signature, &text))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The text of the file beside a component; empty when there is none that could be one.
pub(crate) fn beside(component: &Path) -> String {
    use std::io::Read as _;
    let Ok(file) = std::fs::File::open(file_beside(component)) else { return String::new() };
    let mut text = String::new();
    match file.take(MOST_BYTES).read_to_string(&mut text) {
        Ok(_) => text,
        Err(_) => String::new(),
    }
}

/// The file beside a component: `NAME.wasm.sig`.
pub fn file_beside(component: &Path) -> PathBuf {
    let mut name = component.as_os_str().to_owned();
    name.push(".sig");
    PathBuf::from(name)
}

fn signer(signature: &[u8], text: &[u8]) -> Option<SignerKey> {
    let (key, signature) = signature.split_at_checked(32)?;
    let key = <[u8; 32]>::try_from(key).ok()?;
    UnparsedPublicKey::new(&ED25519, key).verify(text, signature).ok()?;
    Some(SignerKey::from(key))
}

/// What is signed of a component.
fn signed_text(component: &[u8]) -> Result<Vec<u8>, SignError> {
    Ok(sections(component)?.1)
}

/// The signatures in a component, and what they sign.
fn sections(component: &[u8]) -> Result<(Vec<Vec<u8>>, Vec<u8>), SignError> {
    let broken = |error: &dyn std::fmt::Display| SignError::Component(error.to_string());
    if !Parser::is_component(component) {
        return Err(broken(&"it does not begin like one"));
    }
    let (mut signatures, mut without) = (Vec::new(), Vec::with_capacity(component.len()));
    // Sections follow each other without a gap: one begins where the one before it ends.
    let (mut end, mut depth) = (0, 0_usize);
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.map_err(|error| broken(&error))?;
        match &payload {
            Payload::ModuleSection { unchecked_range, .. }
            | Payload::ComponentSection { unchecked_range, .. } => {
                if depth == 0 {
                    without.extend_from_slice(part(component, end..unchecked_range.end));
                    end = unchecked_range.end;
                }
                depth += 1;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::Version { range, .. } if depth == 0 => {
                without.extend_from_slice(part(component, end..range.end));
                end = range.end;
            }
            Payload::CustomSection(section) if depth == 0 && section.name() == SECTION => {
                end = section.range().end;
                signatures.push(section.data().to_vec());
            }
            other if depth == 0 => {
                if let Some((_, range)) = other.as_section() {
                    without.extend_from_slice(part(component, end..range.end));
                    end = range.end;
                }
            }
            _ => {}
        }
    }
    let mut text = MARK.to_vec();
    text.extend_from_slice(Digest::of(&without).bytes());
    Ok((signatures, text))
}

fn part(bytes: &[u8], range: Range<usize>) -> &[u8] {
    bytes.get(range).unwrap_or_default()
}

/// A number as WebAssembly writes lengths.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// One line of a file of signatures.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    if hex.len() != 2 * LENGTH {
        return None;
    }
    (0..LENGTH).map(|at| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENT: &str =
        r#"(component (core module $m (func (export "f"))) (core instance (instantiate $m)))"#;

    fn key(digit: char) -> SigningKey {
        SigningKey::parse(&digit.to_string().repeat(64)).unwrap()
    }

    fn component() -> Vec<u8> {
        wat::parse_str(COMPONENT).unwrap()
    }

    #[test]
    fn several_sign_one_after_the_other_and_each_counts() {
        let once = key('1').embed(&component()).unwrap();
        let twice = key('2').embed(&once).unwrap();
        let mut both = vec![key('1').public(), key('2').public()];
        both.sort_unstable();
        assert_eq!(signers(&once, ""), [key('1').public()]);
        assert_eq!(signers(&twice, ""), both);
        // A signature beside says the same of the bare component and of the one that has others in it.
        let line = key('2').line(&once).unwrap();
        assert_eq!(signers(&once, &line), both);
        assert_eq!(signers(&component(), &line), [key('2').public()]);
        assert_eq!(key('2').line(&component()).unwrap(), line);
    }

    #[test]
    fn a_component_that_was_changed_is_signed_by_nobody() {
        let signed = key('1').embed(&component()).unwrap();
        let mut appended = signed.clone();
        // A custom section `x` after the signature: nothing is outside of what is signed.
        appended.extend([0, 2, 1, b'x']);
        assert_eq!(signers(&appended, ""), []);
        let length = component().len();
        for at in 8..length {
            let mut changed = signed.clone();
            changed[at] ^= 1;
            assert_eq!(signers(&changed, ""), [], "byte {at}");
        }
    }

    #[test]
    fn nonsense_is_signed_by_nobody() {
        let signed = key('1').embed(&component()).unwrap();
        for bytes in [&b""[..], b"\0asm", &signed[..signed.len() - 1]] {
            assert_eq!(signers(bytes, ""), []);
        }
        for beside in ["", "x", &"0".repeat(192), &"zz".repeat(96), &"ü".repeat(96)] {
            assert_eq!(signers(&component(), beside), [], "{beside}");
        }
        assert!(key('1').embed(b"no component").is_err());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert!(SigningKey::parse(&SigningKey::generate().unwrap()).is_ok());
        for bad in ["", "1", &"1".repeat(63), &"g".repeat(64)] {
            assert_eq!(SigningKey::parse(bad).err(), Some(SignError::Key), "{bad}");
        }
    }
}
