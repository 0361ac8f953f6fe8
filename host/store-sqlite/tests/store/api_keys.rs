//! Keys with which callers prove who they are.

use std::sync::Arc;

use jiff::Timestamp;
use orgata_engine::ports::{KeyRecord, Store as _};
use orgata_engine::{Identity, PrincipalKind, Reach};
use orgata_model::KeyId;
use orgata_model::runtime::Environment;
use orgata_store_sqlite::{Settings, SqliteStore};

fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap()
}

fn key(number: u128) -> KeyRecord {
    KeyRecord {
        id: KeyId::new(uuid::Uuid::from_u128(number)),
        hash: [7; 32],
        identity: Arc::new(Identity {
            name: "ann".into(),
            kind: PrincipalKind::Assistant,
            reach: Reach::Environments([Environment::Production, Environment::Staging].into()),
            roles: ["chef".parse().unwrap()].into(),
            scopes: Some(["execution:write".parse().unwrap()].into()),
        }),
        created_at: at(1),
        created_by: "local".to_owned(),
        expires_at: Some(at(2)),
        revoked_at: None,
        last_used_at: None,
    }
}

#[tokio::test]
async fn a_key_is_read_as_it_was_kept_after_a_restart_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("orgata.db");
    let everything = Identity { reach: Reach::Everything, scopes: None, ..(*key(2).identity).clone() };
    let other = KeyRecord { identity: Arc::new(everything), expires_at: None, ..key(2) };
    let store = SqliteStore::open(&file, Settings::default()).await.unwrap();
    store.put_key(&key(1)).await.unwrap();
    store.put_key(&other).await.unwrap();
    assert_eq!(store.keys().await.unwrap(), [key(1), other.clone()]);
    store.put_key(&KeyRecord { revoked_at: Some(at(3)), ..key(1) }).await.unwrap();
    store.touch_key(other.id, at(4)).await.unwrap();
    store.touch_key(key(9).id, at(4)).await.unwrap();
    store.close().await.unwrap();
    let store = SqliteStore::open(&file, Settings::default()).await.unwrap();
    let revoked = KeyRecord { revoked_at: Some(at(3)), ..key(1) };
    assert_eq!(store.keys().await.unwrap(), [revoked, KeyRecord { last_used_at: Some(at(4)), ..other }]);
}
