//! Virtual WASI: what every guest's standard library drags in, with nothing of the host behind it.
//!
//! No environment, no arguments, no files, an empty standard input; what is printed lands in the log; clocks
//! and random numbers are functions of the step ([`clock`], [`random`]). A guest that links only this is
//! `pure`.
//!
//! Sockets are linked as well, since some toolchains import them unasked, and refuse everything.
//!
//! Rejected: `WasiCtx` with its defaults turned off. It costs more to make than the instance, and what it
//! virtualises must be turned off one by one, which is how one is forgotten.

mod clock;
mod environment;
mod random;
mod stdio;

pub(crate) use clock::Clock;
pub(crate) use random::Random;

use orgata_model::operation::EffectClass;
use wasmtime::component::{HasData, HasSelf, Linker, ResourceTable};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemCtx, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random as rng, sockets};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsCtx, WasiSocketsCtxView};
use wasmtime_wasi_io::bindings::wasi::io;

use super::Capability;
use crate::guest::Guest;

pub(super) const CAPABILITY: Capability = Capability {
    interfaces: &["wasi:io/", "wasi:cli/", "wasi:clocks/", "wasi:random/", "wasi:filesystem/"],
    effect: EffectClass::Pure,
    link,
};

/// All that sockets do is refuse, which changes nothing outside.
pub(super) const SOCKETS: Capability =
    Capability { interfaces: &["wasi:sockets/"], effect: EffectClass::Pure, link: link_sockets };

/// The state of virtual WASI.
pub(crate) struct Wasi {
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    /// No folder is ever opened in it.
    files: WasiFilesystemCtx,
    /// Refuses every socket and every lookup; made when first asked for.
    sockets: Option<WasiSocketsCtx>,
}

impl Wasi {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, random: Random::default(), files: WasiFilesystemCtx::default(), sockets: None }
    }
}

/// Streams and pollables need the table alone.
struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

fn table(guest: &mut Guest) -> &mut ResourceTable {
    &mut guest.entered().table
}

fn files(guest: &mut Guest) -> WasiFilesystemCtxView<'_> {
    let guest = guest.entered();
    WasiFilesystemCtxView { ctx: &mut guest.wasi.files, table: &mut guest.table }
}

fn sockets(guest: &mut Guest) -> WasiSocketsCtxView<'_> {
    let guest = guest.entered();
    let ctx = guest.wasi.sockets.get_or_insert_with(WasiSocketsCtx::default);
    WasiSocketsCtxView { ctx, table: &mut guest.table }
}

fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let own = Guest::entered;
    io::error::add_to_linker::<_, Table>(linker, table)?;
    io::poll::add_to_linker::<_, Table>(linker, table)?;
    io::streams::add_to_linker::<_, Table>(linker, table)?;
    clocks::wall_clock::add_to_linker::<_, HasSelf<Guest>>(linker, own)?;
    clocks::monotonic_clock::add_to_linker::<_, HasSelf<Guest>>(linker, own)?;
    rng::random::add_to_linker::<_, HasSelf<Guest>>(linker, own)?;
    rng::insecure::add_to_linker::<_, HasSelf<Guest>>(linker, own)?;
    rng::insecure_seed::add_to_linker::<_, HasSelf<Guest>>(linker, own)?;
    cli::environment::add_to_linker::<_, HasSelf<Guest>>(linker, own)?;
    cli::exit::add_to_linker::<_, HasSelf<Guest>>(linker, own)?;
    cli::stdin::add_to_linker::<_, HasSelf<Guest>>(linker, own)?;
    cli::stdout::add_to_linker::<_, HasSelf<Guest>>(linker, own)?;
    cli::stderr::add_to_linker::<_, HasSelf<Guest>>(linker, own)?;
    cli::terminal_input::add_to_linker::<_, HasSelf<Guest>>(linker, own)?;
    cli::terminal_output::add_to_linker::<_, HasSelf<Guest>>(linker, own)?;
    cli::terminal_stdin::add_to_linker::<_, HasSelf<Guest>>(linker, own)?;
    cli::terminal_stdout::add_to_linker::<_, HasSelf<Guest>>(linker, own)?;
    cli::terminal_stderr::add_to_linker::<_, HasSelf<Guest>>(linker, own)?;
    filesystem::types::add_to_linker::<_, WasiFilesystem>(linker, files)?;
    filesystem::preopens::add_to_linker::<_, WasiFilesystem>(linker, files)
}

fn link_sockets(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let options = sockets::network::LinkOptions::default();
    sockets::network::add_to_linker::<_, WasiSockets>(linker, &options, self::sockets)?;
    sockets::instance_network::add_to_linker::<_, WasiSockets>(linker, self::sockets)?;
    sockets::ip_name_lookup::add_to_linker::<_, WasiSockets>(linker, self::sockets)?;
    sockets::tcp_create_socket::add_to_linker::<_, WasiSockets>(linker, self::sockets)?;
    sockets::udp_create_socket::add_to_linker::<_, WasiSockets>(linker, self::sockets)?;
    sockets::tcp::add_to_linker::<_, WasiSockets>(linker, self::sockets)?;
    sockets::udp::add_to_linker::<_, WasiSockets>(linker, self::sockets)
}
