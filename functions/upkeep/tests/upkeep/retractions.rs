//! A retraction goes on until its leads are withdrawn and what others may have found is searched again.

use super::*;

fn forger() -> TenantId {
    TenantId::parse("forger").unwrap()
}

fn posted(by: &str) -> Sighting {
    let key = AdKey::parse(&format!("ads/{by}/ad.jpg")).unwrap();
    Sighting::of(&key, &AdMetadata::default())
}

/// A lead by what the forger claimed, of a picture that another one posted if so.
async fn claimed_lead(system: &System, is_posted_by_another: bool) -> (ReferenceId, LeadId) {
    let key = ReferenceKey::parse("references/unit/case 7/photo.jpg").unwrap();
    let reference_id = system.reference(&key).await;
    let image_sha256 = ImageSha256::of(b"ad");
    let found = FoundLead {
        unit: unit(),
        reference_id: reference_id.clone(),
        image_sha256,
        uploaded_by: forger(),
        evidence: Evidence::Claimed,
        level: Level::Alert,
        method: Method::Whole,
        distance: 3,
        edit: Label::parse("as is").unwrap(),
        policy_version: 1,
        outline: None,
    };
    let postings = [posted("forger")];
    let store = &system.store;
    store
        .leads
        .record_lead(&found, &postings, system.now())
        .await
        .unwrap();
    if is_posted_by_another {
        store
            .leads
            .extend_leads(&image_sha256, &posted("ngo"), system.now())
            .await
            .unwrap();
    }
    let lead_id = LeadId::of(&reference_id, &image_sha256);
    (reference_id, lead_id)
}

async fn state(system: &System) -> Option<RetractionState> {
    let found = system.store.leads.retraction(&forger()).await.unwrap();
    found.map(|it| it.state)
}

/// The search that a reference began with, planned and under way.
async fn searching(system: &System, reference_id: &ReferenceId) -> store::SearchKey {
    let all = system.store.searches.all_searches(&unit()).await.unwrap();
    let of = all.into_iter().find(|of| of.reference_id == *reference_id);
    let of = of.unwrap();
    let store = &system.store;
    store.searches.plan_search(&of, 0, &[]).await.unwrap();
    of
}

async fn end(system: &System, of: &store::SearchKey) {
    let ended = system
        .store
        .searches
        .finish_search(of, &[], system.now())
        .await;
    ended.unwrap();
}

#[tokio::test]
async fn leads_are_withdrawn_and_that_is_the_end_of_it() {
    let system = system(None).await;
    let (_, lead) = claimed_lead(&system, false).await;
    system
        .store
        .leads
        .retract(&forger(), system.now())
        .await
        .unwrap();
    assert_eq!(system.run(Task::Erasures).await.retracted, 1);
    assert_eq!(state(&system).await, Some(RetractionState::Done));
    let lead = system
        .store
        .leads
        .lead(&unit(), &lead)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(lead.summary.status, LeadStatus::Withdrawn);
    assert_eq!(system.run(Task::Erasures).await, Done::default());
}

#[tokio::test]
async fn what_others_posted_is_searched_again_once_no_older_search_is_under_way() {
    let system = system(None).await;
    let (reference, _) = claimed_lead(&system, true).await;
    let of = searching(&system, &reference).await;
    system
        .store
        .leads
        .retract(&forger(), system.now())
        .await
        .unwrap();
    system.wait(HOUR / 60);
    assert_eq!(system.run(Task::Erasures).await.retracted, 0);
    assert_eq!(
        state(&system).await,
        Some(RetractionState::Withdrawing),
        "its first search may have passed what others claimed"
    );
    end(&system, &of).await;
    system.wait(HOUR / 60);
    let asked_after = system.now().minus(HOUR / 60);
    assert_eq!(system.run(Task::Erasures).await.retracted, 1);
    assert_eq!(state(&system).await, Some(RetractionState::Done));
    assert!(
        system
            .store
            .searches
            .was_woken(&of, asked_after)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn lifting_searches_for_every_reference_and_is_then_forgotten() {
    let system = system(None).await;
    let (reference, _) = claimed_lead(&system, false).await;
    let of = searching(&system, &reference).await;
    end(&system, &of).await;
    system
        .store
        .leads
        .retract(&forger(), system.now())
        .await
        .unwrap();
    system.run(Task::Erasures).await;
    system.wait(HOUR / 60);
    let lifted_at = system.now();
    system
        .store
        .leads
        .lift_retraction(&forger(), lifted_at)
        .await
        .unwrap();
    system.wait(HOUR / 60);
    system.run(Task::Erasures).await;
    assert_eq!(state(&system).await, None);
    assert!(
        system
            .store
            .searches
            .was_woken(&of, lifted_at)
            .await
            .unwrap()
    );
}
