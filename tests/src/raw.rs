//! A connection without a client library in between, to say what no library would.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::host::TestHost;
use crate::patience;

/// A connection that says whatever it is told to say.
#[derive(Debug)]
pub struct RawConnection(TcpStream);

/// What came before the host closed the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastWords {
    /// The status of the first answer; none when there was no answer.
    pub status: Option<u16>,
    /// All of it, head and body.
    pub text: String,
}

impl TestHost {
    /// Connects, and says nothing yet.
    pub async fn raw(&self) -> RawConnection {
        let authority = self.address().trim_start_matches("http://");
        let stream = TcpStream::connect(authority).await;
        RawConnection(stream.expect("the host takes connections"))
    }
}

impl RawConnection {
    /// Says this. False when the host listens no longer.
    pub async fn say(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Listens until the host closes the connection, which it must.
    pub async fn last_words(mut self) -> LastWords {
        let mut bytes = Vec::new();
        let mut part = [0; 4096];
        let listening = async {
            // A reset is an end as good as any.
            while let Ok(count @ 1..) = self.0.read(&mut part).await {
                bytes.extend_from_slice(&part[..count]);
            }
        };
        let closed = patience::within(listening).await.is_some();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(closed, "the host did not close the connection; it said: {text:?}");
        let status = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        LastWords { status, text }
    }
}
