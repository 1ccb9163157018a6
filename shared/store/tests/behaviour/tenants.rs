use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use records::*;
use store::{Quota, Store, Table};
use tokio::task::JoinSet;

use crate::fixtures::*;
use crate::host::World;

claims! {
    tenants_are_kept_and_listed,
    a_quota_bounds_the_uploads_of_a_day,
    a_quota_holds_under_concurrent_counts,
    a_token_acts_for_its_principal_until_it_is_revoked,
    webhooks_are_kept_disabled_and_removed,
    audit_entries_form_a_chain_under_concurrent_appends,
    what_is_cut_off_an_audit_log_is_told_by_its_head_and_stays_a_gap,
    an_append_that_was_cut_off_before_its_head_moved_leaves_a_log_that_is_whole,
}

fn settings(name: &str) -> TenantSettings {
    TenantSettings {
        tenant: tenant(name),
        is_unit: name == "unit",
        is_uploader: name != "unit",
        legal_basis: None,
        expiry_days: TenantSettings::EXPIRY_DAYS_DEFAULT,
        tell_withdrawals: false,
        second_opinion: false,
        created_at: at(0),
    }
}

async fn tenants_are_kept_and_listed(World { store, .. }: World) {
    assert_eq!(store.tenants.tenant(&unit()).await.unwrap(), None);
    for name in ["unit", "b", "a"] {
        store.tenants.put_tenant(&settings(name)).await.unwrap();
    }
    let expected = [settings("a"), settings("b"), settings("unit")];
    assert_eq!(store.tenants.tenants().await.unwrap(), expected);
    assert_eq!(
        store.tenants.tenant(&unit()).await.unwrap(),
        Some(settings("unit"))
    );
}

async fn a_quota_bounds_the_uploads_of_a_day(World { store, .. }: World) {
    let uploader = tenant("uploader");
    let quota = async |now| store.uploads.quota(&uploader, now).await.unwrap();
    let count = async |uploads, now| {
        let counted = store
            .uploads
            .count_uploads(&uploader, (uploads, 5), now)
            .await;
        counted.unwrap()
    };
    assert_eq!(quota(at(0)).await, Quota::default());
    store.uploads.set_quota(&uploader, Some(5)).await.unwrap();
    assert!(!count(6, at(0)).await, "more than a day holds");
    assert!(count(4, at(0)).await);
    assert!(!count(2, at(1)).await, "all of them or none");
    assert!(count(1, at(1)).await);
    assert!(!count(1, at(2)).await);
    let full = Quota {
        uploads_per_day_max: Some(5),
        uploads_today: 5,
    };
    assert_eq!(quota(at(2)).await, full);
    let others = store.uploads.quota(&tenant("other"), at(2)).await.unwrap();
    assert_eq!(others, Quota::default());
    let tomorrow = at(86_400);
    assert_eq!(quota(tomorrow).await.uploads_today, 0);
    assert!(count(5, tomorrow).await && !count(1, tomorrow).await);
    store.uploads.set_quota(&uploader, None).await.unwrap();
    let lifted = Quota {
        uploads_per_day_max: None,
        uploads_today: 5,
    };
    assert_eq!(quota(tomorrow).await, lifted, "what was counted stays");
}

async fn a_quota_holds_under_concurrent_counts(World { store, .. }: World) {
    let uploader = tenant("uploader");
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let (store, uploader) = (store.clone(), uploader.clone());
        tasks.spawn(async move {
            store
                .uploads
                .count_uploads(&uploader, (1, 7), at(0))
                .await
                .unwrap()
        });
    }
    let counted = tasks.join_all().await.into_iter().filter(|is| *is).count();
    assert_eq!(counted, 7);
    let quota = store.uploads.quota(&uploader, at(0)).await.unwrap();
    assert_eq!(quota.uploads_today, 7);
}

async fn a_token_acts_for_its_principal_until_it_is_revoked(World { store, .. }: World) {
    let token = Token::from_random(&[7; 32]);
    let principal = Principal::of(unit(), Role::Unit);
    assert_eq!(store.tenants.authenticate(&token).await.unwrap(), None);
    store.tenants.put_token(&token, &principal).await.unwrap();
    assert_eq!(
        store.tenants.authenticate(&token).await.unwrap(),
        Some(principal)
    );
    assert_eq!(
        store
            .tenants
            .authenticate(&Token::from_random(&[8; 32]))
            .await
            .unwrap(),
        None
    );
    store.tenants.revoke_token(&token).await.unwrap();
    assert_eq!(store.tenants.authenticate(&token).await.unwrap(), None);
    assert_eq!(
        store.tenants.tenants().await.unwrap(),
        [],
        "tokens are no tenants"
    );
}

async fn webhooks_are_kept_disabled_and_removed(World { store, .. }: World) {
    let webhook = Webhook {
        name: WebhookName::parse("desk").unwrap(),
        url: WebhookUrl::parse("https://desk.example/in").unwrap(),
        content_type: Default::default(),
        hmac_secret: Secret::from_bytes(&[1; 32]).unwrap(),
        ed25519_seed: Secret::from_bytes(&[2; 32]).unwrap(),
        retired: None,
        state: WebhookState::Enabled,
        reason: None,
        updated_at: at(1),
    };
    store
        .deliveries
        .put_webhook(&unit(), &webhook)
        .await
        .unwrap();
    assert_eq!(
        store
            .deliveries
            .webhook(&unit(), &webhook.name)
            .await
            .unwrap(),
        Some(webhook.clone())
    );
    assert_eq!(
        store
            .deliveries
            .webhook(&tenant("other"), &webhook.name)
            .await
            .unwrap(),
        None
    );
    let gone = ReasonCode::RECEIVER_GONE;
    store
        .deliveries
        .disable_webhook(&unit(), &webhook.name, gone.clone(), at(2))
        .await
        .unwrap();
    let disabled = Webhook {
        state: WebhookState::Disabled,
        reason: Some(gone.clone()),
        updated_at: at(2),
        ..webhook
    };
    assert_eq!(
        store.deliveries.webhooks(&unit()).await.unwrap(),
        std::slice::from_ref(&disabled)
    );
    store
        .deliveries
        .delete_webhook(&unit(), &disabled.name)
        .await
        .unwrap();
    store
        .deliveries
        .delete_webhook(&unit(), &disabled.name)
        .await
        .unwrap();
    store
        .deliveries
        .disable_webhook(&unit(), &disabled.name, gone, at(3))
        .await
        .unwrap();
    assert_eq!(store.deliveries.webhooks(&unit()).await.unwrap(), []);
}

fn audit_key() -> AuditKey {
    AuditKey::of(&Secret::from_bytes(&[7; 32]).unwrap())
}

async fn append(store: &Store, n: i64) -> AuditEntry {
    let deed = (Some(Role::Unit), AuditAction::LeadSeen);
    let subject = Some(Label::parse(&format!("lead {n}")).unwrap());
    let (key, unit) = (audit_key(), unit());
    let entry = store.audit.audit(&key, &unit, at(n), deed, subject);
    entry.await.unwrap()
}

async fn audit_log(store: &Store) -> Vec<AuditEntry> {
    let (mut entries, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.audit.audit_entries(&unit(), cursor.as_ref(), 3).await;
        let page = page.unwrap();
        entries.extend(page.items);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return entries,
        }
    }
}

async fn audited(store: &Store) -> Result<(), AuditFault> {
    let (key, head) = (audit_key(), store.audit.audit_head(&unit()).await.unwrap());
    let mut check = AuditCheck::new(Some(&key), head.as_ref());
    check.see(&audit_log(store).await)?;
    check.end()
}

async fn audit_entries_form_a_chain_under_concurrent_appends(World { store, .. }: World) {
    let mut tasks = JoinSet::new();
    for n in 0..10 {
        let store = store.clone();
        tasks.spawn(async move { append(&store, n).await });
    }
    tasks.join_all().await;
    assert_eq!(audit_log(&store).await.len(), 10);
    assert_eq!(audited(&store).await, Ok(()));
    let head = store.audit.audit_head(&unit()).await.unwrap().unwrap();
    assert_eq!((head.seq, head.keyed_from), (10, 1));
    let other = store.audit.audit_entries(&tenant("other"), None, 3).await;
    assert_eq!(other.unwrap().items, []);
    assert_eq!(
        store.audit.audit_head(&tenant("other")).await.unwrap(),
        None
    );
}

/// The key of an item by this name of the tenant `unit`.
fn place(sk: &str) -> HashMap<String, AttributeValue> {
    let text = |it: &str| AttributeValue::S(it.to_owned());
    HashMap::from([("pk".into(), text("unit")), ("sk".into(), text(sk))])
}

async fn take_out(world: &World, table: Table, sk: &str) {
    let name = world.store.names().table(table);
    let delete = world.dynamodb().delete_item().table_name(name);
    delete.set_key(Some(place(sk))).send().await.unwrap();
}

async fn what_is_cut_off_an_audit_log_is_told_by_its_head_and_stays_a_gap(world: World) {
    let store = &world.store;
    for n in 0..3 {
        append(store, n).await;
    }
    take_out(&world, Table::Audit, "000000000003").await;
    let cut = AuditFault::CutOff { ends: 2, head: 3 };
    assert_eq!(audited(store).await, Err(cut));
    assert_eq!(append(store, 4).await.seq, 4, "no number is given twice");
    assert_eq!(audited(store).await, Err(AuditFault::Broken(3)));
    take_out(&world, Table::Tenants, "audit-head").await;
    assert_eq!(audited(store).await, Err(AuditFault::HeadLost));
    append(store, 5).await;
    assert_eq!(audited(store).await, Err(AuditFault::HeadLost), "made anew");
}

async fn an_append_that_was_cut_off_before_its_head_moved_leaves_a_log_that_is_whole(world: World) {
    let store = &world.store;
    append(store, 0).await;
    let behind = world
        .dynamodb()
        .get_item()
        .set_key(Some(place("audit-head")));
    let name = store.names().table(Table::Tenants);
    let behind = behind.table_name(&name).send().await.unwrap().item;
    append(store, 1).await;
    let put = world.dynamodb().put_item().table_name(&name);
    put.set_item(behind).send().await.unwrap();
    assert_eq!(
        store.audit.audit_head(&unit()).await.unwrap().unwrap().seq,
        1
    );
    assert_eq!(audited(store).await, Ok(()));
    assert_eq!(append(store, 2).await.seq, 3);
    assert_eq!(audited(store).await, Ok(()));
    assert_eq!(
        store.audit.audit_head(&unit()).await.unwrap().unwrap().seq,
        3
    );
}
