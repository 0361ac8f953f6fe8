//! Secrets and the state of plugins: kept as they were given, each where it belongs.

use crate::samples::{Home, at, runtime};
use orgata_engine::grants::{Revocation, Standing};
use orgata_engine::ports::{
    GrantStore as _, SealedSecret, SecretStore as _, StateOwner, StateSize, StateStore as _,
};

fn sealed(name: &str, byte: u8) -> SealedSecret {
    SealedSecret {
        name: name.parse().unwrap(),
        key: "k1".into(),
        nonce: vec![byte; 24],
        sealed: vec![byte, 0, 255],
        set_at: at(i64::from(byte)),
        set_by: "ada".into(),
    }
}

#[tokio::test]
async fn secrets_come_back_as_they_were_sealed() {
    let home = Home::new();
    let store = home.open().await;
    store.put_secrets(&[sealed("B", 1), sealed("A", 2)]).await.unwrap();
    store.put_secrets(&[sealed("B", 3)]).await.unwrap();
    store.close().await.unwrap();
    let store = home.open().await;
    assert_eq!(store.secrets().await.unwrap(), [sealed("A", 2), sealed("B", 3)]);
    assert!(store.remove_secret(&"A".parse().unwrap()).await.unwrap());
    assert!(!store.remove_secret(&"A".parse().unwrap()).await.unwrap());
    assert_eq!(store.secrets().await.unwrap(), [sealed("B", 3)]);
}

#[tokio::test]
async fn state_is_each_plugins_own_in_each_runtime() {
    let home = Home::new();
    let store = home.open().await;
    let owner = |at: &str, plugin: &str| StateOwner { runtime: runtime(at), plugin: plugin.parse().unwrap() };
    let mine = owner("kitchen", "keeper");
    for (key, value) in [("b/1", "1"), ("a", "\"ä\""), ("b/2", "2"), ("b%", "3"), ("c", "4")] {
        store.put_state(&mine, key, Some(value)).await.unwrap();
    }
    store.put_state(&owner("kitchen", "other"), "a", Some("0")).await.unwrap();
    store.put_state(&owner("attic", "keeper"), "a", Some("0")).await.unwrap();
    store.close().await.unwrap();

    let store = home.open().await;
    assert_eq!(store.state(&mine, "a").await.unwrap().as_deref(), Some("\"ä\""));
    assert_eq!(store.state_keys(&mine, "b", 10).await.unwrap(), ["b%", "b/1", "b/2"]);
    assert_eq!(store.state_keys(&mine, "b/", 1).await.unwrap(), ["b/1"]);
    assert_eq!(store.state_keys(&mine, "", 10).await.unwrap().len(), 5);
    assert_eq!(store.state_size(&mine).await.unwrap(), StateSize { keys: 5, bytes: 18 });
    store.put_state(&mine, "a", None).await.unwrap();
    store.put_state(&mine, "a", None).await.unwrap();
    assert_eq!(store.state(&mine, "a").await.unwrap(), None);
    assert_eq!(store.state(&owner("attic", "keeper"), "a").await.unwrap().as_deref(), Some("0"));
}

#[tokio::test]
async fn how_plugins_stand_is_kept_replaced_and_forgotten_with_their_runtime() {
    let home = Home::new();
    let store = home.open().await;
    let standing =
        |runtime: &str, plugin: &str| Standing::new(runtime.parse().unwrap(), plugin.parse().unwrap());
    let (one, two, other) = (standing("shop", "words"), standing("shop", "mail"), standing("attic", "words"));
    store.put_standings(&[one.clone(), two.clone(), other.clone()]).await.unwrap();
    let (at, by, reason) = (at(7), "ann".to_owned(), "odd".to_owned());
    let revoked = Standing { revoked: Some(Revocation { at, by, reason }), ..one };
    store.put_standings(std::slice::from_ref(&revoked)).await.unwrap();
    store.close().await.unwrap();

    let store = home.open().await;
    assert_eq!(store.standings().await.unwrap(), [other.clone(), two, revoked]);
    store.forget_standings(&"shop".parse().unwrap()).await.unwrap();
    assert_eq!(store.standings().await.unwrap(), [other]);
}
