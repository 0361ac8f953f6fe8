//! What new connections are made with, and the task that keeps it current.
//!
//! The files are looked at from time to time: they come by renames, links and mounts of all kinds, of which watching
//! tells unreliably, and nobody is in a hurry. What changes is tried as a whole, so a certificate that is there before
//! its key, or half of either, changes nothing.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tracing::{info, warn};

use super::TlsSettings;
use super::files::{Contents, TlsError};

/// A certificate that can be shown, and where it came from.
pub struct Tls {
    settings: TlsSettings,
    digest: [u8; 32],
    present: watch::Sender<Arc<ServerConfig>>,
}

/// Where connections become secure. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Entrance {
    present: watch::Receiver<Arc<ServerConfig>>,
    patience: Duration,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// One of them cannot be read or used, or the key is another certificate's.
    pub async fn open(settings: TlsSettings) -> Result<Self, TlsError> {
        let contents = Contents::read(&settings).await?;
        let present = watch::Sender::new(contents.config(&settings)?);
        Ok(Self { digest: contents.digest(), settings, present })
    }

    pub(crate) fn entrance(&self) -> Entrance {
        Entrance { present: self.present.subscribe(), patience: self.settings.handshake_timeout.0 }
    }

    /// Looks at the files again and again, for as long as it is polled.
    pub(crate) async fn keep_current(mut self) -> Infallible {
        let mut tick = tokio::time::interval(self.settings.check_every.0);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Each fault is told once, and not at every look.
        let mut told = None;
        loop {
            tick.tick().await;
            match self.look_again().await {
                Ok(false) => {}
                Ok(true) => {
                    told = None;
                    info!(certificate = %self.settings.certificate.display(), "the certificate was replaced");
                }
                Err(error) => {
                    if told.as_ref() != Some(&error) {
                        warn!(%error, "the certificate cannot be replaced: the one before stays");
                        told = Some(error);
                    }
                }
            }
        }
    }

    /// Whether there was something new, which is in use from now on.
    async fn look_again(&mut self) -> Result<bool, TlsError> {
        let contents = Contents::read(&self.settings).await?;
        let digest = contents.digest();
        if digest == self.digest {
            return Ok(false);
        }
        self.present.send_replace(contents.config(&self.settings)?);
        self.digest = digest;
        Ok(true)
    }
}

impl Entrance {
    pub(super) fn present(&self) -> Arc<ServerConfig> {
        self.present.borrow().clone()
    }

    pub(super) fn patience(&self) -> Duration {
        self.patience
    }
}
