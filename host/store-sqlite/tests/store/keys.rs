//! Executions with the same concurrency key, in the order in which they came.

use crate::samples::{Home, begin, execution, next, runtime, summary};
use orgata_engine::ports::Store as _;
use orgata_model::ExecutionId;
use orgata_model::execution::{Fact, Status, Summary};
use orgata_model::playbook::KEY_LABEL;

fn keyed(number: u128, key: &str) -> Summary {
    let mut summary = summary(number);
    summary.labels.insert(KEY_LABEL.to_owned(), key.to_owned());
    summary
}

fn ids(numbers: impl IntoIterator<Item = u128>) -> Vec<ExecutionId> {
    numbers.into_iter().map(execution).collect()
}

#[tokio::test]
async fn executions_join_the_order_of_their_key_once_and_leave_it_with_their_end() {
    let home = Home::new();
    let store = home.open().await;
    // Not in the order of their ids: who comes first is first.
    for (number, key) in [(3, "a"), (1, "a"), (2, "b"), (4, "a")] {
        store.append(begin(keyed(number, key))).await.unwrap();
    }
    let kitchen = runtime("kitchen-v1");
    let order = async |key: &str, limit| store.with_key(&kitchen, key, limit).await.unwrap();
    assert_eq!(order("a", 9).await, ids([3, 1, 4]));
    assert_eq!((order("a", 2).await, order("b", 9).await), (ids([3, 1]), ids([2])));
    assert_eq!(store.with_key(&runtime("bakery"), "a", 9).await.unwrap(), []);

    store.append(next(keyed(3, "a"), [Fact::ExecutionResumed { reason: None }])).await.unwrap();
    assert_eq!(order("a", 9).await, ids([3, 1, 4]), "whoever goes on keeps its place");

    let mut end = next(keyed(1, "a"), [Fact::ExecutionTimedOut {}]);
    end.summary.status = Status::TimedOut;
    let ended = end.summary.clone();
    store.append(end).await.unwrap();
    assert_eq!(order("a", 9).await, ids([3, 4]));

    let mut again = next(ended, [Fact::ExecutionResumed { reason: None }]);
    again.summary.status = Status::Running;
    store.append(again).await.unwrap();
    store.close().await.unwrap();
    let store = home.open().await;
    assert_eq!(store.with_key(&kitchen, "a", 9).await.unwrap(), ids([3, 4, 1]), "it comes anew");
}
