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
async fn claimed_lead(house: &House, is_posted_by_another: bool) -> (ReferenceId, LeadId) {
    let key = ReferenceKey::parse("references/unit/case 7/photo.jpg").unwrap();
    let reference_id = house.reference(&key).await;
    let image_sha256 = ImageSha256::of(b"ad");
    let found = Found {
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
    let store = &house.store;
    store
        .record_lead(&found, &postings, house.now())
        .await
        .unwrap();
    if is_posted_by_another {
        store
            .extend_leads(&image_sha256, &posted("ngo"), house.now())
            .await
            .unwrap();
    }
    let lead_id = LeadId::of(&reference_id, &image_sha256);
    (reference_id, lead_id)
}

async fn state(house: &House) -> Option<RetractionState> {
    let found = house.store.retraction(&forger()).await.unwrap();
    found.map(|it| it.state)
}

/// The search that a reference began with, planned and under way.
async fn searching(house: &House, reference_id: &ReferenceId) -> store::SearchKey {
    let all = house.store.all_searches(&unit()).await.unwrap();
    let of = all.into_iter().find(|of| of.reference_id == *reference_id);
    let of = of.unwrap();
    let store = &house.store;
    store.plan_search(&of, 0, &[]).await.unwrap();
    of
}

async fn end(house: &House, of: &store::SearchKey) {
    let ended = house.store.finish_search(of, &[], house.now()).await;
    ended.unwrap();
}

#[tokio::test]
async fn leads_are_withdrawn_and_that_is_the_end_of_it() {
    let house = house(None).await;
    let (_, lead) = claimed_lead(&house, false).await;
    house.store.retract(&forger(), house.now()).await.unwrap();
    assert_eq!(house.run(Task::Erasures).await.retracted, 1);
    assert_eq!(state(&house).await, Some(RetractionState::Done));
    let lead = house.store.lead(&unit(), &lead).await.unwrap().unwrap();
    assert_eq!(lead.summary.status, LeadStatus::Withdrawn);
    assert_eq!(house.run(Task::Erasures).await, Done::default());
}

#[tokio::test]
async fn what_others_posted_is_searched_again_once_no_older_search_is_under_way() {
    let house = house(None).await;
    let (reference, _) = claimed_lead(&house, true).await;
    let of = searching(&house, &reference).await;
    house.store.retract(&forger(), house.now()).await.unwrap();
    house.wait(HOUR / 60);
    assert_eq!(house.run(Task::Erasures).await.retracted, 0);
    assert_eq!(
        state(&house).await,
        Some(RetractionState::Withdrawing),
        "its first search may have passed what others claimed"
    );
    end(&house, &of).await;
    house.wait(HOUR / 60);
    let asked_after = house.now().minus(HOUR / 60);
    assert_eq!(house.run(Task::Erasures).await.retracted, 1);
    assert_eq!(state(&house).await, Some(RetractionState::Done));
    assert!(house.store.was_woken(&of, asked_after).await.unwrap());
}

#[tokio::test]
async fn lifting_searches_for_every_reference_and_is_then_forgotten() {
    let house = house(None).await;
    let (reference, _) = claimed_lead(&house, false).await;
    let of = searching(&house, &reference).await;
    end(&house, &of).await;
    house.store.retract(&forger(), house.now()).await.unwrap();
    house.run(Task::Erasures).await;
    house.wait(HOUR / 60);
    let lifted_at = house.now();
    house
        .store
        .lift_retraction(&forger(), lifted_at)
        .await
        .unwrap();
    house.wait(HOUR / 60);
    house.run(Task::Erasures).await;
    assert_eq!(state(&house).await, None);
    assert!(house.store.was_woken(&of, lifted_at).await.unwrap());
}
