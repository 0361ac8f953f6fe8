//! Files that are no plugins: each is refused with its own reason, and says what to do.

use orgata_engine::ports::{PluginChange, Plugins as _};
use orgata_sandbox::{Settings, Size};

use crate::support::{Bench, guest, upload};

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_file_has_its_own_reason() {
    let bench = Bench::new().await;
    let half = {
        let whole = guest("kitchen");
        whole[..whole.len() / 2].to_vec()
    };
    for (what, bytes, code, word) in [
        ("nothing", Vec::new(), "NOT_A_COMPONENT", "empty"),
        ("a picture", b"\x89PNG\r\n\x1a\n0000".to_vec(), "NOT_A_COMPONENT", "does not begin"),
        ("a core module", guest("core-module"), "NOT_A_COMPONENT", "core WebAssembly module"),
        ("half a component", half, "NOT_A_COMPONENT", "cut off"),
        ("a component without exports", guest("no-exports"), "WRONG_EXPORTS", "no operation"),
        ("a component of resources", guest("other-exports"), "WRONG_EXPORTS", "resource"),
        ("an import that nobody has", guest("unknown-import"), "WRONG_IMPORTS", "acme:vault/door@1.0.0"),
        ("a plugin with bad names", guest("odd-bad-names"), "BAD_NAME", "name"),
        ("a plugin with a bad version", guest("odd-bad-version"), "BAD_NAME", "version"),
        ("a plugin without operations", guest("odd-no-operations"), "WRONG_EXPORTS", "no operation"),
        ("two operations of one name", guest("odd-twice-the-same"), "BAD_NAME", "two of its operations"),
        ("a schema that is none", guest("odd-broken-schema"), "BAD_SCHEMA", "schema"),
        ("a schema that wants the network", guest("odd-remote-schema"), "BAD_SCHEMA", "schema"),
        ("an example that is wrong", guest("odd-broken-example"), "BAD_SCHEMA", "example"),
    ] {
        let error = bench.refusal(bytes).await;
        assert_eq!(error.code, code, "{what}: {error:?}");
        assert!(error.message.contains(word), "{what}: {error:?}");
        assert!(error.message.starts_with("the component uploaded by tester: "), "{what}: {error:?}");
        assert!(!error.hint.is_empty(), "{what}");
    }
    assert!(bench.sandbox.list().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_too_large_is_refused_by_its_size() {
    let bench = Bench::with(Settings { component_size: Size::kib(16), ..Settings::default() }).await;
    let error = bench.refusal(guest("kitchen")).await;
    assert_eq!(error.code, "TOO_LARGE");
    assert!(error.message.contains("componentSize") && error.message.contains("16 KiB"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_announced_and_what_was_current_stays() {
    let bench = Bench::new().await;
    let before = bench.load("kitchen").await;
    let mut changes = bench.sandbox.changes();
    bench.refusal(b"nonsense".to_vec()).await;
    let PluginChange::Refused { source, error } = changes.recv().await.unwrap() else { panic!("no refusal") };
    assert_eq!((source, error.code), (upload(), "NOT_A_COMPONENT"));
    assert_eq!(bench.sandbox.list()[0].plugin, before);
}

/// Cut anywhere, flipped anywhere: an answer, and never a panic.
#[tokio::test(flavor = "multi_thread")]
async fn damaged_components_are_refused_or_work() {
    let bench = Bench::new().await;
    let whole = guest("bench");
    for at in (0..whole.len()).step_by(whole.len() / 24) {
        let _ = bench.sandbox.load(whole[..at].to_vec(), upload()).await.expect_err("a cut component");
        let mut flipped = whole.clone();
        flipped[at] ^= 0x55;
        // A flipped byte in a text or a constant may well leave a component that works.
        let _ = bench.sandbox.inspect(flipped, upload()).await;
    }
}
