//! How others reach the host: over TLS, in plain text only on this machine.
//!
//! Not here: who is let in.

use std::path::Path;

use anyhow::bail;
use orgata_api::TlsSettings;
use tracing::warn;

use super::Config;

/// Refuses to talk in plain text with other machines, unless that is said twice: in the configuration, where it is
/// reviewed, and on the command line, where it is seen.
pub(crate) fn refuse_plain_text(config: &Config, allowed_here: bool) -> anyhow::Result<()> {
    if config.tls.is_some() || config.listen.ip().is_loopback() {
        return Ok(());
    }
    if config.allow_plain_text && allowed_here {
        warn!(listen = %config.listen, "no TLS: whoever is on the way reads everything, and can change it");
        return Ok(());
    }
    bail!(
        "{} can be reached from other machines, and there is no TLS: name a certificate and its key in `tls` (`orgata \
         dev-cert` makes some to try), or listen at 127.0.0.1. Where something in front does TLS, say so twice: \
         `allowPlainText: true` in the configuration, and --allow-plain-text",
        config.listen
    )
}

/// Files are meant from where the configuration stands.
pub(super) fn settle(tls: &mut TlsSettings, folder: &Path) {
    for file in [&mut tls.certificate, &mut tls.key].into_iter().chain(&mut tls.client_authorities) {
        *file = folder.join(&*file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening_at(address: &str) -> Config {
        Config { listen: address.parse().unwrap(), ..Config::default() }
    }

    #[test]
    fn plain_text_stays_on_this_machine_unless_told_twice() {
        for address in ["127.0.0.1:7420", "[::1]:7420"] {
            assert!(refuse_plain_text(&listening_at(address), false).is_ok(), "{address}");
        }
        for address in ["0.0.0.0:7420", "[::]:7420", "10.0.0.1:7420"] {
            let mut config = listening_at(address);
            assert!(refuse_plain_text(&config, false).is_err(), "{address}");
            assert!(refuse_plain_text(&config, true).is_err(), "told once");
            config.allow_plain_text = true;
            assert!(refuse_plain_text(&config, false).is_err(), "told once");
            assert!(refuse_plain_text(&config, true).is_ok(), "told twice");
        }
    }

    #[test]
    fn with_tls_any_address_will_do() {
        let tls = TlsSettings::new("server.pem".into(), "server.key".into());
        let config = Config { tls: Some(tls), ..listening_at("0.0.0.0:7420") };
        assert!(refuse_plain_text(&config, false).is_ok());
    }
}
