//! A server that speaks TLS, and says hello to every request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ServerConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::authority::Certificate;

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";

/// The server. Dropping it ends it.
pub(crate) struct Server {
    address: SocketAddr,
    served: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts one with this certificate on a free port.
    pub(crate) async fn start(own: Certificate) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("there are common versions of TLS")
            .with_no_client_auth()
            .with_single_cert(vec![own.certificate], own.key)
            .expect("the key is the certificate's");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let served = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&served);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that does not like the certificate hangs up, as it should.
                let _ = serve(&acceptor, stream, &count).await;
            }
        });
        Self { address, served, task }
    }

    /// `localhost:PORT`, as a network grant names it.
    pub(crate) fn authority(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// Where it says hello.
    pub(crate) fn url(&self) -> String {
        format!("https://{}/", self.authority())
    }

    /// How many requests it read.
    pub(crate) fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(acceptor: &TlsAcceptor, stream: TcpStream, served: &AtomicUsize) -> std::io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    served.fetch_add(1, Ordering::SeqCst);
    stream.write_all(HELLO).await?;
    stream.shutdown().await
}
