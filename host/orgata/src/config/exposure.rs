//! Whether a host may be reached as it is configured: by whom, and with what proof.
//!
//! Without authentication it serves this machine alone, and developers alone. Whoever wants otherwise says so twice, in the
//! configuration and on the command line, so that neither a file that was copied nor a flag that was left in a script does it.

use std::net::SocketAddr;

use anyhow::bail;
use orgata_api::AuthSettings;
use orgata_engine::access::without_authentication;
use orgata_model::RuntimeId;
use orgata_model::runtime::Environment;
use tracing::warn;

/// What decides whether a host may be reached.
pub(crate) struct Exposure<'e> {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// How callers prove who they are.
    pub(crate) authentication: &'e AuthSettings,
    /// What the command line says of serving strangers.
    pub(crate) insecure: bool,
    /// Whether it listens with TLS.
    pub(crate) has_tls: bool,
}

impl Exposure<'_> {
    /// Refuses to be reached by strangers who need prove nothing, unless that was said twice.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let listen = self.listen;
        if self.is_asked() || listen.ip().is_loopback() {
            return Ok(());
        }
        let said = [self.insecure, self.authentication.insecure_without_authentication];
        if said != [true, true] {
            bail!(
                "{listen} can be reached from other machines, and there is no authentication: set authentication.apiKeys: \
                 true and make a key with `orgata key create`, or listen at 127.0.0.1. To serve everybody all the same, \
                 say so twice: authentication.insecureWithoutAuthentication: true in the configuration, and \
                 --insecure-without-authentication on the command line"
            );
        }
        warn!(%listen, "no authentication: everybody who can reach this host may do everything");
        Ok(())
    }

    /// Refuses runtimes that are not a developer's own, where nobody need prove anything; else tells how it is.
    pub(crate) fn check_runtimes<'r>(
        &self,
        runtimes: impl Iterator<Item = (&'r RuntimeId, Environment)>,
    ) -> anyhow::Result<()> {
        if !self.has_tls && !self.listen.ip().is_loopback() {
            warn!(listen = %self.listen, "no TLS: whoever is on the way reads and changes what is sent");
        }
        if self.is_asked() {
            return Ok(());
        }
        let mut runtimes = runtimes.filter(|(_, environment)| *environment != Environment::Development);
        if let Some((runtime, environment)) = runtimes.next() {
            bail!("{}", without_authentication(runtime, environment));
        }
        if self.listen.ip().is_loopback() {
            warn!("no authentication: everybody on this machine may do everything");
        }
        Ok(())
    }

    /// Whether everybody must prove who they are, in a way that somebody has decided on.
    pub(crate) fn is_asked(&self) -> bool {
        let (address, settings) = (self.listen.ip(), self.authentication);
        let is_decided = settings.is_configured() || settings.required == Some(true);
        settings.is_required(address) && (is_decided || address.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposure<'e>(listen: &str, authentication: &'e AuthSettings, insecure: bool) -> Exposure<'e> {
        Exposure { listen: listen.parse().unwrap(), authentication, insecure, has_tls: false }
    }

    #[test]
    fn strangers_are_served_when_they_prove_who_they_are_or_when_it_was_said_twice() {
        let nothing = AuthSettings::default();
        let keys = AuthSettings { api_keys: Some(true), ..AuthSettings::default() };
        let open = AuthSettings { insecure_without_authentication: true, ..AuthSettings::default() };
        let lax = AuthSettings { required: Some(false), ..keys.clone() };
        for (settings, insecure, here, there) in [
            (&nothing, false, true, false),
            (&nothing, true, true, false),
            (&keys, false, true, true),
            (&open, false, true, false),
            (&open, true, true, true),
            (&lax, true, true, false),
        ] {
            assert_eq!(exposure("127.0.0.1:1", settings, insecure).check().is_ok(), here, "{settings:?}");
            assert_eq!(exposure("0.0.0.0:1", settings, insecure).check().is_ok(), there, "{settings:?}");
        }
    }

    #[test]
    fn only_developers_need_prove_nothing() {
        let id: RuntimeId = "a".parse().unwrap();
        let check = |settings: &AuthSettings, environment| {
            exposure("127.0.0.1:1", settings, false).check_runtimes([(&id, environment)].into_iter())
        };
        let nothing = AuthSettings::default();
        assert!(check(&nothing, Environment::Development).is_ok());
        let told = check(&nothing, Environment::Production).unwrap_err().to_string();
        assert!(told.contains("orgata key create") && told.contains("production"), "{told}");
        let keys = AuthSettings { api_keys: Some(true), ..AuthSettings::default() };
        assert!(check(&keys, Environment::Production).is_ok());
    }
}
