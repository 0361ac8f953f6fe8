//! `wasi:http/outgoing-handler`: requests to servers that the operator granted.
//!
//! The way of a request: its host and port must be granted ([`allow`]), the name is resolved here, once, and its
//! addresses must be ones that may be reached ([`address`]), and the connection goes to the very address
//! that was checked ([`connect`]), over TLS to a server that can prove its name ([`trust`]). Redirects are the guest's
//! to follow: the next request passes the same checks. Time and response size are limited ([`body`]).
//!
//! Every admission and every denial is a line of the audit log.

mod address;
mod allow;
mod body;
mod connect;
mod trust;

pub(crate) use trust::Trust;
pub use trust::TrustError;

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Request;
use http::uri::Scheme;
use http_body_util::BodyExt as _;
use orgata_engine::Want;
use orgata_engine::grants::Lease;
use orgata_engine::ports::SessionContext;
use orgata_model::PluginName;
use orgata_model::operation::EffectClass;
use orgata_model::runtime::Grants;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use wasmtime::component::Linker;
use wasmtime_wasi_http::p2::bindings::http::{outgoing_handler, types};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttp, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
};

use self::allow::Target;
use self::body::Limited;
use self::connect::{Stream, TlsError, Unopened};
use super::Capability;
use crate::guest::Guest;
use crate::limits::Limit;
use crate::notes::{Denial, Notes};
use crate::settings::Settings;

pub(super) const CAPABILITY: Capability = Capability {
    interfaces: &["wasi:http/outgoing-handler", "wasi:http/types"],
    effect: EffectClass::Effectful,
    link,
};

fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    outgoing_handler::add_to_linker::<_, WasiHttp>(linker, view)?;
    types::add_to_linker::<_, WasiHttp>(linker, &types::LinkOptions::default(), view)
}

fn view(guest: &mut Guest) -> WasiHttpCtxView<'_> {
    let guest = guest.entered();
    let http = guest.http.get_or_insert_with(|| {
        let client = Client {
            session: Arc::clone(&guest.scope.session),
            plugin: guest.scope.plugin.clone(),
            lease: guest.scope.lease.clone(),
            notes: guest.notes.clone(),
            settings: Arc::clone(&guest.settings),
            trust: Arc::clone(&guest.trust),
            deadline: guest.scope.deadline,
            open: Arc::new(Semaphore::new(guest.settings.http_requests as usize)),
        };
        Box::new(Http { ctx: WasiHttpCtx::new(), client })
    });
    WasiHttpCtxView { hooks: &mut http.client, table: &mut guest.table, ctx: &mut http.ctx }
}

/// The state of the capability, made at the first use in a call.
pub(crate) struct Http {
    ctx: WasiHttpCtx,
    client: Client,
}

/// Sends the requests of one call.
#[derive(Clone)]
struct Client {
    session: Arc<SessionContext>,
    plugin: PluginName,
    lease: Option<Arc<Lease>>,
    notes: Notes,
    settings: Arc<Settings>,
    trust: Arc<Trust>,
    /// The end of the call, and so of every request.
    deadline: Instant,
    /// Requests that are not over.
    open: Arc<Semaphore>,
}

type Exchange = (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl WasiHttpHooks for Client {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Exchange, Error>> + Send> {
        let client = self.clone();
        Box::new(async move { client.send(request, options.unwrap_or_default()).await })
    }
}

impl Client {
    async fn send(self, request: Request<WasiBody>, options: RequestOptions) -> Result<Exchange, Error> {
        let target = Target::of(&request)?;
        let private = self.admit(&target)?;
        let Ok(place) = Arc::clone(&self.open).try_acquire_owned() else {
            self.notes.limited(Limit::HttpRequests);
            return Err(Error::ConnectionLimitReached);
        };
        let deadline = self.deadline.min(Instant::now() + self.settings.http_time);
        let left = deadline.saturating_duration_since(Instant::now());
        let connecting = self.connect(&target, private);
        let stream = match within(options.connect_timeout, left, connecting).await {
            Some(stream) => stream?,
            None => return Err(self.timed_out(deadline, Error::ConnectionTimeout)),
        };
        let tls = request.uri().scheme() == Some(&Scheme::HTTPS);
        let exchange = async {
            let stream = if tls { self.encrypted(stream, &target).await? } else { Box::new(stream) };
            connect::exchange(stream, request).await
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let (response, connection) = match within(options.first_byte_timeout, left, exchange).await {
            Some(exchanged) => exchanged?,
            None => return Err(self.timed_out(deadline, Error::ConnectionReadTimeout)),
        };
        let limits = body::Limits {
            bytes: self.settings.http_body.get(),
            deadline,
            between: options.between_bytes_timeout,
            notes: self.notes.clone(),
        };
        let response = response.map(|body| Limited::new(body, limits, place).boxed_unsync());
        Ok((response, Box::new(connection)))
    }

    /// Refuses a target that is not granted. True when it may have a private address.
    fn admit(&self, target: &Target) -> Result<bool, Error> {
        let nothing = Grants::default();
        let grants = self.lease.as_ref().and_then(|lease| lease.granted()).unwrap_or(&nothing);
        if !grants.network.iter().any(|grant| target.matches(grant)) {
            let what = format!("an HTTP request to {target}");
            self.denied(&what, &format!("network: [{target}]"));
            return Err(Error::HttpRequestDenied);
        }
        tracing::info!(
            target: "audit",
            execution = %self.session.execution,
            runtime = %self.session.runtime,
            plugin = %self.plugin,
            to = %target,
            "HTTP request admitted"
        );
        let private = grants.private_addresses;
        if let Some(lease) = &self.lease {
            lease.reached(Want::Network, &target.to_string());
        }
        Ok(private)
    }

    fn denied(&self, what: &str, grant: &str) {
        let denial = Denial { plugin: &self.plugin, want: Want::Network, what, grant };
        self.notes.denied(&self.session, self.lease.as_deref(), &denial);
    }

    async fn connect(&self, target: &Target, private: bool) -> Result<TcpStream, Error> {
        let refusal = |address| address::refusal(address, private);
        match connect::open(connect::resolve(target), refusal).await {
            Ok(stream) => Ok(stream),
            Err(Unopened::Failed(error)) => Err(error),
            Err(Unopened::Prohibited(address, kind)) => {
                let what = format!("an HTTP request to {target}, which is at {address}, a {kind} address,");
                self.denied(&what, "privateAddresses: true");
                Err(Error::DestinationIpProhibited)
            }
        }
    }

    /// The contract's error says that it was the certificate; what was wrong with it goes into the notes.
    async fn encrypted(&self, stream: TcpStream, target: &Target) -> Result<Box<dyn Stream>, Error> {
        match connect::encrypted(stream, target, self.trust.config()?).await {
            Ok(stream) => Ok(stream),
            Err(TlsError::Other(error)) => Err(error),
            Err(TlsError::Certificate(refused)) => {
                self.notes.explained(trust::refusal(target, &refused));
                Err(Error::TlsCertificateError)
            }
        }
    }

    /// A request that the host's limit ended is noted; one that its own timeout ended is the guest's affair.
    fn timed_out(&self, deadline: Instant, error: Error) -> Error {
        if Instant::now() >= deadline {
            self.notes.limited(Limit::HttpTime);
        }
        error
    }
}

/// Waits for as long as the guest wants and the host allows.
async fn within<T>(wanted: Option<Duration>, left: Duration, work: impl Future<Output = T>) -> Option<T> {
    let patience = wanted.map_or(left, |wanted| wanted.min(left));
    tokio::time::timeout(patience, work).await.ok()
}
