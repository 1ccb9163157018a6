//! Why work failed, for a host that runs a program in its own process and keeps the dead letters: the
//! answers that Lambda's protocols know say only what failed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;

tokio::task_local! {
    static RECORDED: RefCell<BTreeMap<String, String>>;
}

/// Runs a handler, and gives with its answer the reason of each failure in it, by the identifier
/// that the answer names. Reasons are those that are logged: they hold nothing personal.
pub async fn with_reasons<T>(handler: impl Future<Output = T>) -> (T, BTreeMap<String, String>) {
    let noting = async {
        let answer = handler.await;
        (answer, RECORDED.with(RefCell::take))
    };
    RECORDED.scope(RefCell::default(), noting).await
}

/// Records a reason, if the host asked for it.
pub(crate) fn record(identifier: Option<&str>, reason: &impl Display) {
    let Some(identifier) = identifier else { return };
    let entry = |noted: &RefCell<BTreeMap<String, String>>| {
        let noted = &mut *noted.borrow_mut();
        noted.insert(identifier.to_owned(), reason.to_string());
    };
    // On AWS no host asks: the log has it.
    RECORDED.try_with(entry).unwrap_or_default();
}
