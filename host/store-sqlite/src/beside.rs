//! What the store keeps beside executions, as the engine sees it: the audit, secrets, the state of plugins and how they
//! stand in runtimes.

use jiff::Timestamp;
use orgata_engine::access::{AuditHead, AuditLine, AuditRecord};
use orgata_engine::grants::Standing;
use orgata_engine::ports::{
    AuditLog, AuditQuery, GrantStore, Page, SealedSecret, SecretStore, StateOwner, StateSize, StateStore,
    StoreError,
};
use orgata_model::{RuntimeId, SecretName};

use crate::store::{SqliteStore, closed};
use crate::{audit, secrets, standings, states};

#[async_trait::async_trait]
impl AuditLog for SqliteStore {
    fn audit(&self, record: AuditRecord) -> Result<(), StoreError> {
        if self.jobs.is_closed() {
            return Err(closed());
        }
        self.audit.add(record)
    }

    async fn audit_lines(&self, query: &AuditQuery) -> Result<Page<AuditLine>, StoreError> {
        if !self.audit.is_empty() {
            self.edit(Vec::new()).await?;
        }
        audit::page(&self.readers, query).await
    }

    async fn audit_to_go(&self, before: Timestamp) -> Result<Option<AuditHead>, StoreError> {
        audit::last_to_go(&self.readers, before).await
    }

    async fn trim_audit(&self, last: AuditHead) -> Result<(), StoreError> {
        self.edit(audit::statements(last)).await.map(drop)
    }

    async fn audit_anchor(&self) -> Result<Option<AuditHead>, StoreError> {
        audit::anchor(&self.readers).await
    }
}

#[async_trait::async_trait]
impl SecretStore for SqliteStore {
    async fn secrets(&self) -> Result<Vec<SealedSecret>, StoreError> {
        secrets::all(&self.readers).await
    }

    async fn put_secrets(&self, secrets: &[SealedSecret]) -> Result<(), StoreError> {
        if secrets.is_empty() {
            return Ok(());
        }
        self.edit(secrets.iter().map(secrets::put).collect()).await.map(drop)
    }

    async fn remove_secret(&self, name: &SecretName) -> Result<bool, StoreError> {
        self.removes(vec![secrets::remove(name)]).await
    }
}

#[async_trait::async_trait]
impl StateStore for SqliteStore {
    async fn state(&self, of: &StateOwner, key: &str) -> Result<Option<String>, StoreError> {
        states::get(&self.readers, of, key).await
    }

    async fn state_keys(
        &self,
        of: &StateOwner,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        states::keys(&self.readers, of, prefix, limit).await
    }

    async fn put_state(&self, of: &StateOwner, key: &str, value: Option<&str>) -> Result<(), StoreError> {
        self.edit(vec![states::put(of, key, value)]).await.map(drop)
    }

    async fn state_size(&self, of: &StateOwner) -> Result<StateSize, StoreError> {
        states::size(&self.readers, of).await
    }
}

#[async_trait::async_trait]
impl GrantStore for SqliteStore {
    async fn standings(&self) -> Result<Vec<Standing>, StoreError> {
        standings::all(&self.readers).await
    }

    async fn put_standings(&self, standings: &[Standing]) -> Result<(), StoreError> {
        if standings.is_empty() {
            return Ok(());
        }
        let statements = standings.iter().map(standings::put).collect::<Result<_, _>>()?;
        self.edit(statements).await.map(drop)
    }

    async fn forget_standings(&self, runtime: &RuntimeId) -> Result<(), StoreError> {
        self.edit(vec![standings::forget(runtime)]).await.map(drop)
    }
}
