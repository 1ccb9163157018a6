//! What the receipt of an erasure says: everything that went, whichever run of the timer removed it.

use std::path::Path;
use std::time::Duration;

use records::*;
use store::{Erased, ErasedBy};
use upkeep::{BehindStores, Task, Vacuumed};

use crate::{HOUR, System, ask, erasure, stands, system, unit};

/// How many of a store's things a receipt says went.
pub fn removed(receipt: &Receipt, store: &str) -> u64 {
    let found = receipt.removed.iter().find(|it| it.store == store);
    found
        .unwrap_or_else(|| panic!("{store}: {receipt:?}"))
        .removed
}

async fn submitted(system: &System, key: &str, content: &[u8]) -> ReferenceId {
    let ObjectKey::Reference(key) = system.put(key).await else {
        panic!("a reference")
    };
    system.reference_of(&key, content).await
}

async fn receipt(system: &System, asked: &Erasure) -> Receipt {
    let done = stands(system, asked).await;
    assert_eq!(done.case_id, None);
    let receipt = done.receipt.unwrap().opened().unwrap();
    assert_eq!(receipt.reference_ids, done.reference_ids);
    receipt
}

#[tokio::test]
async fn a_receipt_counts_what_all_runs_removed_and_names_who_joined_the_case_later() {
    let system = system(None).await;
    let first = submitted(&system, "references/unit/case-1/a", b"a").await;
    system.wait(Duration::from_secs(300)); // S3 has a clock of its own: the photos came before this
    let case = CaseId::parse("case-1").unwrap();
    let asked = erasure(&system, vec![first.clone()], Some(case));
    ask(&system, &asked).await;
    assert_eq!(system.run(Task::Erasures).await.erasures, 0);
    assert_eq!(system.run(Task::Erasures).await.erasures, 0, "and again");

    let second = submitted(&system, "references/unit/case-1/b", b"b").await;
    system.wait(Duration::from_secs(100));
    assert_eq!(system.run(Task::Erasures).await.erasures, 1);
    let receipt = receipt(&system, &asked).await;
    let mut both = vec![first, second];
    both.sort();
    assert_eq!(receipt.reference_ids, both);
    assert_eq!(removed(&receipt, "references"), 2);
    assert_eq!(removed(&receipt, "reference_photos"), 2);
    let by = ErasedBy {
        unit: &unit(),
        erasure: &asked.erasure_id,
    };
    let noted = system.store.erasures.erased(by).await.unwrap();
    assert_eq!(
        noted,
        store::ErasedCounts::default(),
        "the receipt tells it now"
    );
}

#[tokio::test]
async fn what_was_noted_and_not_removed_before_a_crash_is_counted_once() {
    let system = system(None).await;
    let id = submitted(&system, "references/unit/case-1/a", b"a").await;
    system.wait(Duration::from_secs(300));
    let asked = erasure(&system, vec![id.clone()], None);
    ask(&system, &asked).await;
    let by = ErasedBy {
        unit: &unit(),
        erasure: &asked.erasure_id,
    };
    for _ in 0..2 {
        let leads = ["one", "two"].map(str::to_owned);
        let noted = system
            .store
            .erasures
            .save_erased(by, Erased::Leads, leads)
            .await;
        noted.unwrap();
        let noted = system
            .store
            .erasures
            .save_erased(by, Erased::References, [id.to_string()]);
        noted.await.unwrap();
    }
    assert_eq!(system.run(Task::Erasures).await.erasures, 1);
    let receipt = receipt(&system, &asked).await;
    assert_eq!(removed(&receipt, "leads"), 2);
    assert_eq!(removed(&receipt, "references"), 1);
}

#[tokio::test]
async fn the_timer_of_ended_references_leaves_photos_to_the_erasure_that_counts_them() {
    let system = system(None).await;
    let id = submitted(&system, "references/unit/case-1/a", b"bytes").await;
    system.wait(Duration::from_secs(300));
    let asked = erasure(&system, vec![id.clone()], None);
    ask(&system, &asked).await;
    let withdrawn = system
        .store
        .references
        .withdraw(&unit(), &id, system.now())
        .await;
    withdrawn.unwrap();
    assert_eq!(system.run(Task::References).await.erased, 0);
    assert_eq!(system.run(Task::Erasures).await.erasures, 1);
    let receipt = receipt(&system, &asked).await;
    assert_eq!(removed(&receipt, "reference_photos"), 1);
}

#[tokio::test]
async fn an_erasure_that_was_cut_off_before_its_mark_was_taken_away_is_finished() {
    let system = system(None).await;
    let id = submitted(&system, "references/unit/case-1/a", b"a").await;
    system.wait(Duration::from_secs(300));
    let asked = erasure(&system, vec![id], None);
    ask(&system, &asked).await;
    assert_eq!(system.run(Task::Erasures).await.erasures, 1);
    let done = stands(&system, &asked).await;
    // As if the crash had come right after the receipt was written.
    system
        .store
        .erasures
        .request_erasure(&unit(), &done)
        .await
        .unwrap();
    assert_eq!(system.run(Task::Erasures).await.erasures, 0);
    assert_eq!(
        system
            .store
            .erasures
            .pending_erasures(&unit())
            .await
            .unwrap(),
        []
    );
    assert_eq!(
        stands(&system, &asked).await,
        done,
        "the first receipt stays"
    );
}

/// As a data folder has it.
struct Folder<'a>(&'a System);

impl BehindStores for Folder<'_> {
    async fn forget(&self, _: &Erasure, _: ErasedBy<'_>) -> store::Result<bool> {
        Ok(true)
    }

    async fn vacuum(&self) -> store::Result<Vacuumed> {
        self.0.embedded.vacuum().await.unwrap();
        Ok(Vacuumed::default())
    }
}

/// How many files below a folder hold these bytes.
fn holding(folder: &Path, needle: &[u8]) -> usize {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let holds = |path: &Path| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(needle.len()).any(|it| it == needle)
    };
    let each = paths.map(|path| match path.is_dir() {
        true => holding(&path, needle),
        false => usize::from(holds(&path)),
    });
    each.sum()
}

#[tokio::test]
async fn the_number_of_an_erased_case_is_in_no_byte_that_is_left() {
    let system = system(None).await;
    let number = "CASE-MARKER-77418";
    submitted(&system, &format!("references/unit/{number}/a"), b"a").await;
    system.wait(HOUR);
    let asked = erasure(&system, Vec::new(), Some(CaseId::parse(number).unwrap()));
    ask(&system, &asked).await;
    let folder = system.folder.path();
    assert!(holding(folder, number.as_bytes()) > 0);
    system.wait(Duration::from_secs(100));
    assert_eq!(system.upkeep.erasures(&Folder(&system)).await, Ok(1));
    assert_eq!(holding(folder, number.as_bytes()), 0);
}
