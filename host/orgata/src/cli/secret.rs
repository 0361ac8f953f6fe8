//! The words of `orgata secret`.

use clap::Subcommand;
use orgata_model::SecretName;

#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Set a secret: its value is asked here without being shown, or read from standard input
    ///
    /// A line end after the value is not part of it. The value is never an argument: those are seen by everybody on the
    /// machine, and kept in the shell's history.
    Set {
        /// Its name, such as TWILIO_TOKEN
        name: SecretName,
    },
    /// List secrets: their names, never their values
    List,
    /// Forget a secret
    Remove {
        /// Its name
        name: SecretName,
    },
    /// Seal with the present key what earlier ones sealed, so that these can leave the configuration
    Rotate,
}
