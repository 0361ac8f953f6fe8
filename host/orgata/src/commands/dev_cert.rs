//! `orgata dev-cert`: certificates to try TLS with.
//!
//! An authority, what a host shows, and what a client shows. The authority's own key is kept nowhere: nobody can issue
//! another certificate in its name, and whoever needs one makes all of them anew.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use orgata_engine::ports::{Clock as _, SystemClock};
use owo_colors::OwoColorize as _;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use serde_json::json;

use crate::cli::{DevCertArgs, Global};
use crate::render::print_json;

/// Names under which a host on this machine is called.
const USUAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// How long they are good for.
const DAYS: i64 = 365;

pub(crate) fn dev_cert(global: &Global, args: &DevCertArgs) -> anyhow::Result<ExitCode> {
    let names = if args.names.is_empty() { USUAL.map(str::to_owned).to_vec() } else { args.names.clone() };
    let made = Made::new(names, SystemClock.now())?;
    std::fs::create_dir_all(&args.out).with_context(|| format!("{} cannot be made", args.out.display()))?;
    let files = made.write(&args.out)?;
    if global.json {
        print_json(&json!({ "files": files, "clientFingerprint": made.fingerprint }))?;
    } else {
        tell(&args.out, &made.fingerprint);
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything that is written.
struct Made {
    /// Name, text, and whether it is a secret.
    files: [(&'static str, String, bool); 4],
    /// Of the client's certificate.
    fingerprint: String,
}

impl Made {
    fn new(names: Vec<String>, now: Timestamp) -> anyhow::Result<Self> {
        let dates = Dates::from(now)?;
        let mut params = dates.params(Vec::new(), "Orgata development authority")?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let issue = |names, who: &str, purpose| -> anyhow::Result<(rcgen::Certificate, KeyPair)> {
            let mut params = dates.params(names, who)?;
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            params.extended_key_usages = vec![purpose];
            params.use_authority_key_identifier_extension = true;
            let key = KeyPair::generate()?;
            Ok((params.signed_by(&key, &authority)?, key))
        };
        let (server, server_key) =
            issue(names, "Orgata development host", ExtendedKeyUsagePurpose::ServerAuth)?;
        let (client, client_key) =
            issue(Vec::new(), "Orgata development client", ExtendedKeyUsagePurpose::ClientAuth)?;
        Ok(Self {
            fingerprint: orgata_api::fingerprint(client.der()),
            files: [
                ("authority.pem", authority.pem(), false),
                ("server.pem", server.pem(), false),
                ("server.key", server_key.serialize_pem(), true),
                ("client.pem", client.pem() + &client_key.serialize_pem(), true),
            ],
        })
    }

    /// Writes the files; none that is there is overwritten.
    fn write(&self, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
        let written = self.files.iter().map(|(name, text, secret)| {
            let file = folder.join(name);
            let mode = if *secret { 0o600 } else { 0o644 };
            let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(&file);
            let written = opened.and_then(|mut opened| opened.write_all(text.as_bytes()));
            written.with_context(|| {
                format!(
                    "{} cannot be written: remove the old one, or name another folder with --out",
                    file.display()
                )
            })?;
            Ok(file)
        });
        written.collect()
    }
}

/// The beginning of a day, in a type that only its library can name.
macro_rules! midnight {
    ($date:expr) => {
        date_time_ymd($date.year().into(), $date.month().unsigned_abs(), $date.day().unsigned_abs())
    };
}

/// From when to when a certificate is good.
struct Dates {
    from: jiff::civil::Date,
    to: jiff::civil::Date,
}

impl Dates {
    fn from(now: Timestamp) -> anyhow::Result<Self> {
        let today = now.to_zoned(TimeZone::UTC).date();
        // Not every clock that it is shown to is right to the hour.
        Ok(Self { from: today.yesterday()?, to: today.checked_add(Span::new().try_days(DAYS)?)? })
    }

    fn params(&self, names: Vec<String>, who: &str) -> anyhow::Result<CertificateParams> {
        let listed = names.join(", ");
        let mut params =
            CertificateParams::new(names).with_context(|| format!("not a name of a host: {listed}"))?;
        params.distinguished_name.push(DnType::CommonName, who);
        params.not_before = midnight!(self.from);
        params.not_after = midnight!(self.to);
        Ok(params)
    }
}

fn tell(folder: &Path, fingerprint: &str) {
    let at = |name: &str| folder.join(name).display().to_string();
    let (authority, server, key, client) =
        (at("authority.pem"), at("server.pem"), at("server.key"), at("client.pem"));
    println!("Certificates for {DAYS} days are in {}. In orgata.yaml:\n", folder.display());
    anstream::println!("  {}", format!("tls: {{ certificate: {server}, key: {key} }}").bold());
    println!("\nThen:\n");
    for (command, what) in [
        (format!("orgata --ca {authority} exec list"), "the command line, at the running host"),
        (format!("curl --cacert {authority} https://localhost:7420/ready"), "anything else"),
    ] {
        anstream::println!("  {}\n    {}", command.bold(), what.dimmed());
    }
    println!("\nClients show {client} where the configuration asks for it:\n");
    let asks = format!(
        "tls: {{ certificate: {server}, key: {key}, clientAuthorities: {authority}, clientCertificates: required }}"
    );
    anstream::println!("  {}", asks.bold());
    anstream::println!("  {}", format!("orgata --ca {authority} --identity {client} exec list").bold());
    anstream::println!(
        "  {}",
        format!("curl --cacert {authority} --cert {client} https://localhost:7420/ready").bold()
    );
    println!("\nThe SHA-256 fingerprint of the client's certificate is {fingerprint}.");
}
