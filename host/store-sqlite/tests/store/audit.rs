//! The audit: what is written down, in which order, and what is found when somebody meddled with it.

use std::path::Path;
use std::sync::Arc;

use crate::samples::{Home, at, first, whole};
use orgata_engine::access::{AuditLine, AuditRecord, AuditVerdict, Chain};
use orgata_engine::ports::{AuditLog as _, AuditQuery, Store as _};
use orgata_store_sqlite::SqliteStore;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

fn record(principal: &str, action: &'static str, verdict: AuditVerdict) -> AuditRecord {
    AuditRecord {
        at: at(7),
        principal: principal.to_owned(),
        kind: "user",
        address: Some("192.0.2.7".to_owned()),
        request: Some("req-1".to_owned()),
        action,
        subject: "kitchen-v1".to_owned(),
        verdict,
    }
}

fn admitted(principal: &str) -> AuditRecord {
    record(principal, "execution.start", AuditVerdict::Admitted)
}

/// Changes the data file as whoever may write it can.
async fn meddle(file: &Path, sql: &'static str) -> Result<(), sqlx::Error> {
    let mut connection = SqliteConnectOptions::new().filename(file).connect().await?;
    sqlx::raw_sql(sql).execute(&mut connection).await?;
    connection.close().await
}

/// How many lines a reader of the file finds, who asks nobody to write any first.
async fn on_disk(file: &Path) -> i64 {
    let mut connection = SqliteConnectOptions::new().filename(file).read_only(true).connect().await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM audit").fetch_one(&mut connection).await.unwrap()
}

fn oldest_first() -> AuditQuery {
    AuditQuery { oldest_first: true, limit: 100, ..AuditQuery::default() }
}

async fn lines(store: &SqliteStore) -> Vec<AuditLine> {
    store.audit_lines(&oldest_first()).await.unwrap().items
}

fn first_break(lines: &[AuditLine]) -> Option<u64> {
    let mut chain = Chain::default();
    lines.iter().find_map(|line| chain.take(line).err()).map(|found| found.seq)
}

#[tokio::test]
async fn lines_are_chained_from_a_beginning_of_their_own_and_go_on_after_a_restart() {
    let home = Home::new();
    let store = home.open().await;
    store.audit(admitted("ada")).unwrap();
    store.audit(record("bob", "execution.purge", AuditVerdict::Denied("no".into()))).unwrap();
    store.close().await.unwrap();

    let store = home.open().await;
    store.audit(record("ada", "plugin.load", AuditVerdict::Failed("PLUGIN_REFUSED"))).unwrap();
    let lines = lines(&store).await;
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line.seq, line.principal.as_str(), line.verdict.as_str(), line.detail.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            (1, "host", "begun", None),
            (2, "ada", "admitted", None),
            (3, "bob", "denied", Some("no")),
            (4, "ada", "failed", Some("PLUGIN_REFUSED")),
        ]
    );
    assert_eq!(first_break(&lines), None);

    let other = Home::new();
    let other = other.open().await;
    other.audit(admitted("ada")).unwrap();
    let page = other.audit_lines(&oldest_first()).await.unwrap();
    assert_ne!(page.items[0].previous, lines[0].previous, "two chains begin differently");
}

#[tokio::test]
async fn a_line_is_on_disk_no_later_than_what_is_appended_after_it() {
    let home = Home::new();
    let store = home.open().await;
    store.audit(admitted("ada")).unwrap();
    store.append(first(1)).await.unwrap();
    assert_eq!(on_disk(&home.file()).await, 2);
}

#[tokio::test]
async fn a_line_that_nothing_follows_gets_to_disk_by_itself() {
    let home = Home::new();
    let store = home.open().await;
    store.audit(record("eve", "audit.read", AuditVerdict::Denied("no".into()))).unwrap();
    while on_disk(&home.file()).await < 2 {
        tokio::task::yield_now().await;
    }
    drop(store);
}

#[tokio::test]
async fn an_append_that_is_refused_takes_no_line_with_it() {
    let home = Home::new();
    let store = Arc::new(home.open().await);
    store.append(first(1)).await.unwrap();
    store.audit(admitted("ada")).unwrap();
    // The same execution again, beside another: one is refused, the other is not, and the line stays.
    let (again, other) = tokio::join!(store.append(first(1)), store.append(whole(2)));
    assert!(again.is_err() && other.is_ok());
    assert_eq!(first_break(&lines(&store).await), None);
    assert_eq!(lines(&store).await.len(), 2);
}

#[tokio::test]
async fn pages_and_filters_find_what_is_asked_for() {
    let home = Home::new();
    let store = home.open().await;
    for number in 0..25 {
        let who = if number % 5 == 0 { "eve" } else { "ada" };
        let verdict =
            if number % 5 == 0 { AuditVerdict::Denied("no".into()) } else { AuditVerdict::Admitted };
        store.audit(record(who, "execution.start", verdict)).unwrap();
    }
    store.audit(record("ada", "executions.purge", AuditVerdict::Admitted)).unwrap();

    let mut query = AuditQuery { limit: 10, ..AuditQuery::default() };
    let mut seqs = Vec::new();
    loop {
        let page = store.audit_lines(&query).await.unwrap();
        seqs.extend(page.items.iter().map(|line| line.seq));
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(seqs, (1..=27).rev().collect::<Vec<_>>());

    let count = async |query: AuditQuery| store.audit_lines(&query).await.unwrap().items.len();
    let all = AuditQuery { limit: 100, ..AuditQuery::default() };
    let word = |text: &str| Some(text.to_owned());
    assert_eq!(count(AuditQuery { principal: word("eve"), ..all.clone() }).await, 5);
    assert_eq!(count(AuditQuery { verdict: word("denied"), ..all.clone() }).await, 5);
    assert_eq!(count(AuditQuery { verdict: word("admitted"), ..all.clone() }).await, 21);
    assert_eq!(count(AuditQuery { action: word("execution"), ..all.clone() }).await, 25);
    assert_eq!(count(AuditQuery { action: word("execution.start"), ..all.clone() }).await, 25);
    assert_eq!(count(AuditQuery { subject: word("attic"), ..all.clone() }).await, 0);
    assert_eq!(count(AuditQuery { since: Some(at(8)), ..all.clone() }).await, 0);
    assert_eq!(count(AuditQuery { until: Some(at(8)), ..all.clone() }).await, 27);
    for cursor in ["", "a", "ax", "e7", "a-1", "a99999999999999999999"] {
        let query = AuditQuery { cursor: word(cursor), ..all.clone() };
        assert!(store.audit_lines(&query).await.is_err(), "{cursor:?}");
    }
}

#[tokio::test]
async fn meddling_with_the_file_is_found_at_the_first_line_that_does_not_fit() {
    let off = "DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_deleted;";
    let cases = [
        ("UPDATE audit SET principal = 'eve' WHERE seq = 3", 3),
        ("UPDATE audit SET verdict = 'admitted', detail = NULL WHERE seq = 4", 4),
        ("UPDATE audit SET address = NULL WHERE seq = 5", 5),
        ("UPDATE audit SET at = at + 1 WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 3", 4),
        (
            "UPDATE audit SET seq = -seq WHERE seq IN (3, 4); UPDATE audit SET seq = 7 + seq WHERE seq IN (-3, -4)",
            3,
        ),
        ("UPDATE audit SET hash = previous WHERE seq = 6", 6),
    ];
    for (sql, broken) in cases {
        let home = Home::new();
        let store = home.open().await;
        for who in ["ada", "bob", "cid", "dan", "ian"] {
            store.audit(record(who, "execution.start", AuditVerdict::Denied("no".into()))).unwrap();
        }
        store.close().await.unwrap();
        meddle(&home.file(), off).await.unwrap();
        meddle(&home.file(), sql).await.unwrap();
        let store = home.open().await;
        assert_eq!(first_break(&lines(&store).await), Some(broken), "{sql}");
    }
}

#[tokio::test]
async fn the_file_itself_refuses_mistakes() {
    let home = Home::new();
    let store = home.open().await;
    store.audit(admitted("ada")).unwrap();
    store.close().await.unwrap();
    for sql in ["UPDATE audit SET principal = 'eve'", "DELETE FROM audit"] {
        let error = meddle(&home.file(), sql).await.unwrap_err().to_string();
        assert!(error.contains("lines of the audit"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn the_oldest_lines_go_and_the_rest_still_verifies() {
    let home = Home::new();
    let store = home.open().await;
    for second in 1..=6 {
        store.audit(AuditRecord { at: at(second), ..admitted("ada") }).unwrap();
    }
    let all = lines(&store).await;
    assert_eq!(store.audit_to_go(at(1)).await.unwrap(), None, "the first has the time of the one after it");
    // Line 1 tells of the beginning, and those of the seconds 1 to 3 follow.
    let last = store.audit_to_go(at(4)).await.unwrap().unwrap();
    assert_eq!(last, all[3].head());
    let told = AuditRecord { action: "audit.trim", subject: last.to_string(), ..admitted("host") };
    store.audit(told).unwrap();
    store.trim_audit(last).await.unwrap();
    store.close().await.unwrap();

    let store = home.open().await;
    assert_eq!(store.audit_anchor().await.unwrap(), Some(last));
    let left = lines(&store).await;
    assert_eq!(left.iter().map(|line| line.seq).collect::<Vec<_>>(), [5, 6, 7, 8]);
    let mut chain = Chain::default().after(Some(last));
    assert!(left.iter().all(|line| chain.take(line).is_ok()) && chain.end().is_ok());
    // The newest stays, however old it is.
    assert_eq!(store.audit_to_go(at(1_000_000)).await.unwrap(), Some(left[2].head()));
    store.close().await.unwrap();
    let error = meddle(&home.file(), "DELETE FROM audit WHERE seq = 5").await.unwrap_err().to_string();
    assert!(error.contains("lines of the audit"), "{error}");
}
