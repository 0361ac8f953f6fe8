//! Open questions: what opens, closes and passes them on.

use std::sync::Arc;

use crate::samples::{Home, asked, event, execution, first, inbox, next, question, runtime, step, summary};
use orgata_engine::ports::{Append, InboxQuery, Store as _};
use orgata_model::execution::{Fact, Summary};
use orgata_model::intervention::{Intervention, OnDeadline};
use orgata_model::{InterventionId, RoleName};
use orgata_store_sqlite::SqliteStore;
use serde_json::json;

fn required(intervention: &Intervention) -> Fact {
    Fact::InterventionRequired { intervention: intervention.clone() }
}

fn resolved(id: InterventionId) -> Fact {
    let response = Arc::new(json!("grape"));
    Fact::InterventionResolved { intervention: id, step: step("choose-jelly"), response, notes: None }
}

fn expired(id: InterventionId) -> Fact {
    Fact::InterventionExpired { intervention: id, step: step("choose-jelly") }
}

fn role(name: &str) -> RoleName {
    name.parse().unwrap()
}

async fn open(store: &SqliteStore) -> Vec<Intervention> {
    let page = store.inbox(&inbox()).await.unwrap();
    page.items.into_iter().map(|pending| pending.intervention).collect()
}

/// A started execution that asked all of these.
async fn asking(store: &SqliteStore, number: u128, questions: &[Intervention]) -> Summary {
    store.append(first(number)).await.unwrap();
    let append = next(summary(number), questions.iter().map(required));
    store.append(append.clone()).await.unwrap();
    append.summary
}

#[tokio::test]
async fn a_question_is_open_until_it_is_answered() {
    let home = Home::new();
    let store = home.open().await;
    let (one, two) = (asked(1, OnDeadline::Fail), asked(2, OnDeadline::Answer(json!("grape"))));
    let summary = asking(&store, 1, &[one.clone(), two.clone()]).await;
    let page = store.inbox(&inbox()).await.unwrap();
    assert_eq!(page.items[0].execution, execution(1));
    assert_eq!(page.items[0].runtime, runtime("kitchen-v1"));
    assert_eq!(page.items[0].playbook.as_str(), "pbj-sandwich");
    assert_eq!(page.items[0].opened_at, crate::samples::at(2));
    assert_eq!(open(&store).await, [one.clone(), two.clone()]);

    store.append(next(summary, [resolved(one.id)])).await.unwrap();
    assert_eq!(open(&store).await, [two]);
}

#[tokio::test]
async fn a_question_that_is_answered_in_the_same_append_never_shows() {
    let home = Home::new();
    let store = home.open().await;
    let one = asked(1, OnDeadline::Fail);
    store.append(first(1)).await.unwrap();
    store.append(next(summary(1), [required(&one), resolved(one.id)])).await.unwrap();
    assert_eq!(open(&store).await, []);
}

#[tokio::test]
async fn those_who_approve_are_kept_with_the_question_which_stays_open() {
    let home = Home::new();
    let store = home.open().await;
    let one = Intervention { approvals: 4, ..asked(1, OnDeadline::Escalate(role("owner"))) };
    let mut summary = asking(&store, 1, std::slice::from_ref(&one)).await;
    // What is kept is what the history says, to the letter.
    let responses =
        [json!({ "decision": "approve", "n": 0.1, "big": u64::MAX }), json!("\"\u{0}'$[#]ü"), json!(null)];
    for (at, response) in responses.iter().enumerate() {
        let notes = (at == 1).then(|| "it's fine: {\"a\": 1}".to_owned());
        let response = Arc::new(response.clone());
        let step = step("choose-jelly");
        let fact = Fact::InterventionApproved { intervention: one.id, step, response, notes };
        let append = next(summary, [fact]);
        store.append(append.clone()).await.unwrap();
        let event = append.events.last().unwrap();
        let open = open(&store).await.remove(0);
        assert_eq!((open.approved.len(), open.approved.last()), (at + 1, event.answer().as_ref()));
        summary = append.summary;
    }
    store.close().await.unwrap();
    let store = home.open().await;
    let before = open(&store).await.remove(0).approved;
    assert_eq!(before.iter().map(|approved| approved.response.clone()).collect::<Vec<_>>(), responses);
    // It may pass to another role, and ends as any other.
    let after = next(summary, [expired(one.id)]);
    store.append(after.clone()).await.unwrap();
    assert_eq!(open(&store).await.remove(0).approved, before);
    store.append(next(after.summary, [resolved(one.id)])).await.unwrap();
    assert_eq!(open(&store).await, []);
}

#[tokio::test]
async fn a_question_that_expires_closes() {
    let home = Home::new();
    let store = home.open().await;
    let (one, two) = (asked(1, OnDeadline::Fail), asked(2, OnDeadline::Answer(json!(1))));
    let summary = asking(&store, 1, &[one.clone(), two.clone()]).await;
    store.append(next(summary, [expired(one.id), expired(two.id)])).await.unwrap();
    assert_eq!(open(&store).await, []);
}

#[tokio::test]
async fn a_question_that_escalates_stays_with_another_role_and_no_deadline() {
    let home = Home::new();
    let store = home.open().await;
    let one = asked(1, OnDeadline::Escalate(role("owner")));
    let summary = asking(&store, 1, std::slice::from_ref(&one)).await;
    let after = next(summary, [expired(one.id)]);
    store.append(after.clone()).await.unwrap();

    let passed_on = Intervention {
        assignee_role: Some(role("owner")),
        deadline: None,
        on_deadline: OnDeadline::Fail,
        ..one.clone()
    };
    assert_eq!(open(&store).await, std::slice::from_ref(&passed_on));
    let of = |name: &str| InboxQuery { role: Some(role(name)), ..inbox() };
    assert_eq!(store.inbox(&of("chef")).await.unwrap().items.len(), 0);
    assert_eq!(store.inbox(&of("owner")).await.unwrap().items[0].intervention, passed_on);

    store.append(next(after.summary, [resolved(one.id)])).await.unwrap();
    assert_eq!(open(&store).await, []);
}

#[tokio::test]
async fn an_end_closes_all_questions_of_its_execution_and_no_others() {
    let home = Home::new();
    let store = home.open().await;
    let ends = [
        Fact::ExecutionCompleted { output: Arc::new(json!(null)) },
        Fact::ExecutionFailed {
            step: None,
            failure: orgata_model::Failure::permanent("NO_BREAD", "none left"),
        },
        Fact::ExecutionCancelled { reason: None },
        Fact::ExecutionTimedOut {},
    ];
    let other = asked(99, OnDeadline::Fail);
    asking(&store, 99, std::slice::from_ref(&other)).await;
    for (number, end) in (1..).zip(ends) {
        let questions = [asked(number * 10, OnDeadline::Fail), asked(number * 10 + 1, OnDeadline::Fail)];
        let summary = asking(&store, number, &questions).await;
        assert_eq!(open(&store).await.len(), 3);
        store.append(next(summary, [end])).await.unwrap();
        assert_eq!(open(&store).await, std::slice::from_ref(&other));
    }
    // Asked and ended in the very first append.
    let mut append = first(50);
    append.events.push(event(2, required(&asked(500, OnDeadline::Fail))));
    append.events.push(event(3, Fact::ExecutionTimedOut {}));
    append.summary.version = 3;
    store.append(append).await.unwrap();
    assert_eq!(open(&store).await, [other]);
}

#[tokio::test]
async fn the_inbox_is_paged_oldest_first_and_filtered() {
    let home = Home::new();
    let store = home.open().await;
    for number in 0..12 {
        let mut append = first(number);
        append.summary.runtime = runtime(["kitchen", "bakery"][usize::from(number % 2 == 0)]);
        let mut question = asked(number, OnDeadline::Fail);
        question.assignee_role =
            [Some(role("chef")), Some(role("guest")), None][(number % 3) as usize].clone();
        append.events.push(event(2, required(&question)));
        append.summary.version = 2;
        store.append(append).await.unwrap();
    }
    let numbers = |query: InboxQuery| {
        let store = &store;
        async move {
            let mut query = InboxQuery { limit: 2, ..query };
            let mut ids = vec![];
            loop {
                let page = store.inbox(&query).await.unwrap();
                ids.extend(page.items.iter().map(|pending| pending.intervention.id));
                match page.next {
                    Some(next) => query.cursor = Some(next),
                    None => return ids,
                }
            }
        }
    };
    let expected =
        |keep: fn(u128) -> bool| (0..12).filter(|number| keep(*number)).map(question).collect::<Vec<_>>();
    assert_eq!(numbers(inbox()).await, expected(|_| true));
    let query = InboxQuery { runtime: Some(runtime("bakery")), ..inbox() };
    assert_eq!(numbers(query).await, expected(|number| number % 2 == 0));
    let query = InboxQuery { role: Some(role("chef")), ..inbox() };
    assert_eq!(numbers(query).await, expected(|number| number % 3 == 0));
    let query = InboxQuery { role: Some(role("chef")), runtime: Some(runtime("bakery")), ..inbox() };
    assert_eq!(numbers(query).await, expected(|number| number % 6 == 0));
    let runtimes = Some([runtime("bakery"), runtime("cellar")].into());
    let query = InboxQuery { runtimes, ..inbox() };
    assert_eq!(numbers(query).await, expected(|number| number % 2 == 0));
    let query = InboxQuery { runtimes: Some([].into()), ..inbox() };
    assert_eq!(numbers(query).await, expected(|_| false));
    // What asks nobody in particular is for everybody.
    let query = InboxQuery { roles: Some([role("chef"), role("owner")].into()), ..inbox() };
    assert_eq!(numbers(query).await, expected(|number| number % 3 != 1));
    let query = InboxQuery { roles: Some([].into()), ..inbox() };
    assert_eq!(numbers(query).await, expected(|number| number % 3 == 2));
    let query = InboxQuery { execution: Some(execution(5)), ..inbox() };
    assert_eq!(numbers(query).await, expected(|number| number == 5));
    let query = InboxQuery { intervention: Some(question(7)), ..inbox() };
    assert_eq!(numbers(query).await, expected(|number| number == 7));
    let query = InboxQuery { intervention: Some(question(7)), execution: Some(execution(5)), ..inbox() };
    assert_eq!(numbers(query).await, expected(|_| false));
}

#[tokio::test]
async fn a_refused_append_asks_nothing() {
    let home = Home::new();
    let store = home.open().await;
    store.append(first(1)).await.unwrap();
    let mut stale = summary(1);
    stale.version = 4;
    let late: Append = next(stale, [required(&asked(1, OnDeadline::Fail))]);
    store.append(late).await.unwrap_err();
    assert_eq!(open(&store).await, []);
}
