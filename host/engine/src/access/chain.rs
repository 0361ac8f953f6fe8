//! The chain of the audit: each line says what the one before it was, so that none can be changed, taken out or moved
//! without everything after it telling.
//!
//! A line's hash is SHA-256 over its canonical encoding ([`AuditLine::seal`] writes it down step by step): a mark of the
//! format, the hash of the line before, then the fields in order. Every text is led by its length, so no two lines have
//! the same encoding. The first line begins with 32 random bytes instead of a hash: two chains have nothing in common.
//!
//! What the chain alone cannot tell is that its newest lines were taken away, or that somebody who may write the file
//! computed all of it anew: for that, a head that was noted earlier is compared ([`Chain::expect`]).

use jiff::Timestamp;
use orgata_model::Digest;

use super::audit::AuditRecord;

/// What every encoding begins with. Another order or set of fields gets another mark.
const MARK: &[u8] = b"orgata audit 1\n";
/// Where a text would have its length, when there is none.
const ABSENT: u64 = u64::MAX;

/// The action of the line that a chain begins with.
const BEGIN: &str = "audit.begin";
/// The action of a line that tells that older ones were removed; its subject is the last of those.
pub(crate) const TRIM: &str = "audit.trim";

/// One line of the audit, in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// From 1, without gaps.
    pub seq: u64,
    /// When, to the microsecond.
    pub at: Timestamp,
    /// Who.
    pub principal: String,
    /// What kind of being that is.
    pub kind: String,
    /// From which address.
    pub address: Option<String>,
    /// In which request.
    pub request: Option<String>,
    /// What.
    pub action: String,
    /// With which thing.
    pub subject: String,
    /// What came of it: `admitted`, `denied`, `failed`, `left_out`, or `begun` for the first line of all.
    pub verdict: String,
    /// The reason, the code, or the count.
    pub detail: Option<String>,
    /// The hash of the line before; of the first line, 32 random bytes.
    pub previous: Digest,
    /// Of all of this.
    pub hash: Digest,
}

/// The newest line that is known: what the next one builds on, and what to note down to compare later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditHead {
    /// Its place.
    pub seq: u64,
    /// Its hash.
    pub hash: Digest,
}

/// Where a chain is broken, and how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {seq}: {what}")]
pub struct AuditBreak {
    /// The first line that does not fit.
    pub seq: u64,
    /// What is wrong with it.
    pub what: String,
}

impl AuditLine {
    /// The line that a chain begins with.
    pub fn first(at: Timestamp, seed: Digest) -> Self {
        Self {
            seq: 1,
            at: to_the_microsecond(at),
            principal: "host".to_owned(),
            kind: "service".to_owned(),
            address: None,
            request: None,
            action: BEGIN.to_owned(),
            subject: String::new(),
            verdict: "begun".to_owned(),
            detail: None,
            previous: seed,
            hash: seed,
        }
        .sealed()
    }

    /// The line that says this after `head`.
    pub fn after(head: AuditHead, record: AuditRecord) -> Self {
        let (verdict, detail) = (record.verdict.as_str().to_owned(), record.verdict.detail());
        Self {
            seq: head.seq.saturating_add(1),
            at: to_the_microsecond(record.at),
            principal: record.principal,
            kind: record.kind.to_owned(),
            address: record.address,
            request: record.request,
            action: record.action.to_owned(),
            subject: record.subject,
            verdict,
            detail,
            previous: head.hash,
            hash: head.hash,
        }
        .sealed()
    }

    /// What the next line builds on.
    pub fn head(&self) -> AuditHead {
        AuditHead { seq: self.seq, hash: self.hash }
    }

    fn sealed(self) -> Self {
        Self { hash: self.seal(), ..self }
    }

    /// The hash that this line must have.
    pub fn seal(&self) -> Digest {
        Digest::of(&self.encoded())
    }

    /// The canonical encoding: numbers in 8 bytes, the largest first; texts led by their length.
    fn encoded(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(MARK);
        bytes.extend_from_slice(self.previous.bytes());
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(&self.at.as_microsecond().to_be_bytes());
        for text in [
            Some(&self.principal),
            Some(&self.kind),
            self.address.as_ref(),
            self.request.as_ref(),
            Some(&self.action),
            Some(&self.subject),
            Some(&self.verdict),
            self.detail.as_ref(),
        ] {
            let length = text.map_or(ABSENT, |text| text.len() as u64);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(text.map(String::as_bytes).unwrap_or_default());
        }
        bytes
    }
}

/// Checks lines in order, the oldest first.
#[derive(Debug, Default)]
pub struct Chain {
    head: Option<AuditHead>,
    lines: u64,
    expected: Option<AuditHead>,
    anchor: Option<AuditHead>,
    /// Whether a line names the anchor. Not the latest one: that may tell of what goes at this moment.
    is_told: bool,
}

impl std::fmt::Display for AuditHead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

impl Chain {
    /// The same where older lines were removed: it goes on after this one, and one of its own lines must say so.
    #[must_use]
    pub fn after(self, anchor: Option<AuditHead>) -> Self {
        Self { head: anchor, anchor, ..self }
    }

    /// One that also has to come by this line, which was noted earlier.
    pub fn expecting(expected: Option<AuditHead>) -> Self {
        Self { expected, ..Self::default() }
    }

    /// Takes the next line, or says why it is not.
    pub fn take(&mut self, line: &AuditLine) -> Result<(), AuditBreak> {
        let broken = |what: String| AuditBreak { seq: line.seq, what };
        match self.head {
            Some(head) if line.seq != head.seq.saturating_add(1) => {
                return Err(broken(format!("it comes after line {}: lines are missing or moved", head.seq)));
            }
            Some(head) if line.previous != head.hash => {
                return Err(broken(format!(
                    "it does not build on line {} as that is now: one of the two was changed",
                    head.seq
                )));
            }
            None if line.seq == 1 && line.action != BEGIN => {
                return Err(broken("a chain does not begin so: the first line was replaced".to_owned()));
            }
            _ => {}
        }
        if line.seal() != line.hash {
            return Err(broken("its hash is not that of what it says: it was changed".to_owned()));
        }
        if self.expected.is_some_and(|noted| noted.seq == line.seq && noted.hash != line.hash) {
            return Err(broken("it is not the line that was noted: the chain was written anew".to_owned()));
        }
        self.head = Some(line.head());
        self.lines += 1;
        self.is_told |=
            line.action == TRIM && self.anchor.is_some_and(|anchor| anchor.to_string() == line.subject);
        Ok(())
    }

    /// There is nothing more: what is missing at the end, if that can be told.
    pub fn end(&self) -> Result<(), AuditBreak> {
        let last = self.head.map_or(0, |head| head.seq);
        if let Some(anchor) = self.anchor
            && !self.is_told
        {
            let what = "the lines up to it are missing, and no line says that they were removed".to_owned();
            return Err(AuditBreak { seq: anchor.seq, what });
        }
        match self.expected {
            Some(noted) if noted.seq > last => Err(AuditBreak {
                seq: noted.seq,
                what: format!("it was noted, and the chain ends at line {last}: the newest were taken away"),
            }),
            _ => Ok(()),
        }
    }

    /// The last line that fits.
    pub fn head(&self) -> Option<AuditHead> {
        self.head
    }

    /// How many lines fit.
    pub fn lines(&self) -> u64 {
        self.lines
    }
}

/// What is kept of a time.
fn to_the_microsecond(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::audit::AuditVerdict;
    use super::*;

    fn record(principal: &str) -> AuditRecord {
        AuditRecord {
            at: Timestamp::UNIX_EPOCH,
            principal: principal.to_owned(),
            kind: "user",
            address: Some("127.0.0.1".to_owned()),
            request: None,
            action: "execution.start",
            subject: "kitchen".to_owned(),
            verdict: AuditVerdict::Admitted,
        }
    }

    fn chain(names: &[&str]) -> Vec<AuditLine> {
        let mut lines = vec![AuditLine::first(Timestamp::UNIX_EPOCH, Digest::of(b"random"))];
        for name in names {
            let head = lines.last().unwrap().head();
            lines.push(AuditLine::after(head, record(name)));
        }
        lines
    }

    fn first_break(lines: &[AuditLine]) -> Option<u64> {
        let mut chain = Chain::default();
        lines.iter().find_map(|line| chain.take(line).err()).map(|found| found.seq)
    }

    #[test]
    fn an_untouched_chain_verifies() {
        assert_eq!(first_break(&chain(&["ada", "bob", "cid"])), None);
    }

    #[test]
    fn the_first_line_that_does_not_fit_is_named() {
        let mut changed = chain(&["ada", "bob", "cid"]);
        changed[2].principal = "eve".to_owned();
        assert_eq!(first_break(&changed), Some(3));

        // Whoever changes a line and computes its hash anew is found at the next.
        changed[2].hash = changed[2].seal();
        assert_eq!(first_break(&changed), Some(4));

        let mut removed = chain(&["ada", "bob", "cid"]);
        removed.remove(2);
        assert_eq!(first_break(&removed), Some(4));

        let mut swapped = chain(&["ada", "bob", "cid"]);
        swapped.swap(1, 2);
        assert_eq!(first_break(&swapped), Some(3));

        let mut beheaded = chain(&["ada"]);
        beheaded.remove(0);
        beheaded[0].seq = 1;
        beheaded[0].hash = beheaded[0].seal();
        assert_eq!(first_break(&beheaded), Some(1));
    }

    #[test]
    fn a_head_that_was_noted_tells_of_lines_taken_from_the_end() {
        let lines = chain(&["ada", "bob", "cid"]);
        let noted = lines[3].head();
        let mut short = Chain::expecting(Some(noted));
        assert!(lines[..3].iter().all(|line| short.take(line).is_ok()));
        assert_eq!(short.end().unwrap_err().seq, 4);

        let mut anew = Chain::expecting(Some(noted));
        let other = chain(&["ada", "bob", "eve"]);
        let found = other.iter().find_map(|line| anew.take(line).err());
        assert_eq!(found.unwrap().seq, 4);
    }

    #[test]
    fn what_was_removed_must_be_told_by_a_line() {
        let mut lines = chain(&["ada", "bob", "cid"]);
        let anchor = lines[1].head();
        let told = AuditRecord { action: TRIM, subject: anchor.to_string(), ..record("host") };
        lines.push(AuditLine::after(lines[3].head(), told));
        let verified = |from: usize, anchor: AuditHead| {
            let mut chain = Chain::default().after(Some(anchor));
            let broken = lines[from..].iter().find_map(|line| chain.take(line).err());
            broken.or_else(|| chain.end().err()).map(|broken| broken.seq)
        };
        assert_eq!(verified(2, anchor), None);
        assert_eq!(verified(3, lines[2].head()), Some(3), "more was taken away than was told");
        assert_eq!(verified(3, anchor), Some(4), "a line is missing");
    }

    fn lines() -> impl Strategy<Value = AuditLine> {
        let text = || ".{0,6}";
        let maybe = || proptest::option::of(".{0,6}");
        let texts = (text(), text(), maybe(), maybe(), text(), text(), text(), maybe());
        (any::<u64>(), 0_i64..4_000_000_000, texts).prop_map(|(seq, micros, texts)| {
            let (principal, kind, address, request, action, subject, verdict, detail) = texts;
            let at = Timestamp::from_microsecond(micros).unwrap();
            let previous = Digest::from([7; 32]);
            AuditLine {
                seq,
                at,
                principal,
                kind,
                address,
                request,
                action,
                subject,
                verdict,
                detail,
                previous,
                hash: previous,
            }
        })
    }

    /// Reads an encoding back: what can be read back in one way only was written without a doubt.
    fn decoded(bytes: &[u8]) -> (u64, i64, Vec<Option<String>>) {
        let mut rest = &bytes[MARK.len() + 32..];
        let eight = |rest: &mut &[u8]| {
            let (head, tail) = rest.split_at(8);
            *rest = tail;
            <[u8; 8]>::try_from(head).unwrap()
        };
        let (seq, micros) = (u64::from_be_bytes(eight(&mut rest)), i64::from_be_bytes(eight(&mut rest)));
        let mut texts = Vec::new();
        while !rest.is_empty() {
            let length = u64::from_be_bytes(eight(&mut rest));
            texts.push((length != ABSENT).then(|| {
                let (text, tail) = rest.split_at(usize::try_from(length).unwrap());
                rest = tail;
                String::from_utf8(text.to_vec()).unwrap()
            }));
        }
        (seq, micros, texts)
    }

    proptest! {
        #[test]
        fn every_field_is_in_the_encoding_and_can_be_told_from_the_others(line in lines()) {
            let (seq, micros, texts) = decoded(&line.encoded());
            prop_assert_eq!(seq, line.seq);
            prop_assert_eq!(micros, line.at.as_microsecond());
            let own = [
                Some(line.principal.clone()), Some(line.kind.clone()), line.address.clone(), line.request.clone(),
                Some(line.action.clone()), Some(line.subject.clone()), Some(line.verdict.clone()), line.detail.clone(),
            ];
            prop_assert_eq!(texts, own.to_vec());
        }

        #[test]
        fn two_lines_that_differ_have_two_hashes(a in lines(), b in lines()) {
            prop_assert_eq!(a == b, a.seal() == b.seal());
        }
    }
}
