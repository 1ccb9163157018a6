use records::*;
use tokio::task::JoinSet;

use crate::fixtures::*;
use crate::host::World;

claims! {
    tenants_are_kept_and_listed,
    a_token_acts_for_its_principal_until_it_is_revoked,
    webhooks_are_kept_disabled_and_removed,
    audit_entries_form_a_chain_whoever_appends,
}

fn settings(name: &str) -> TenantSettings {
    TenantSettings {
        tenant: tenant(name),
        is_unit: name == "unit",
        is_uploader: name != "unit",
        legal_basis: None,
        expiry_days: TenantSettings::EXPIRY_DAYS_DEFAULT,
        tell_withdrawals: false,
        created_at: at(0),
    }
}

async fn tenants_are_kept_and_listed(World { store, .. }: World) {
    assert_eq!(store.tenant(&unit()).await.unwrap(), None);
    for name in ["unit", "b", "a"] {
        store.put_tenant(&settings(name)).await.unwrap();
    }
    let expected = [settings("a"), settings("b"), settings("unit")];
    assert_eq!(store.tenants().await.unwrap(), expected);
    assert_eq!(store.tenant(&unit()).await.unwrap(), Some(settings("unit")));
}

async fn a_token_acts_for_its_principal_until_it_is_revoked(World { store, .. }: World) {
    let token = Token::from_random(&[7; 32]);
    let principal = Principal {
        tenant: unit(),
        role: Role::Unit,
    };
    assert_eq!(store.authenticate(&token).await.unwrap(), None);
    store.put_token(&token, &principal).await.unwrap();
    assert_eq!(store.authenticate(&token).await.unwrap(), Some(principal));
    assert_eq!(
        store
            .authenticate(&Token::from_random(&[8; 32]))
            .await
            .unwrap(),
        None
    );
    store.revoke_token(&token).await.unwrap();
    assert_eq!(store.authenticate(&token).await.unwrap(), None);
    assert_eq!(store.tenants().await.unwrap(), [], "tokens are no tenants");
}

async fn webhooks_are_kept_disabled_and_removed(World { store, .. }: World) {
    let webhook = Webhook {
        name: WebhookName::parse("desk").unwrap(),
        url: WebhookUrl::parse("https://desk.example/in").unwrap(),
        hmac_secret: Secret::from_bytes(&[1; 32]).unwrap(),
        ed25519_seed: Secret::from_bytes(&[2; 32]).unwrap(),
        retired: None,
        state: WebhookState::Enabled,
        reason: None,
        updated_at: at(1),
    };
    store.put_webhook(&unit(), &webhook).await.unwrap();
    assert_eq!(
        store.webhook(&unit(), &webhook.name).await.unwrap(),
        Some(webhook.clone())
    );
    assert_eq!(
        store
            .webhook(&tenant("other"), &webhook.name)
            .await
            .unwrap(),
        None
    );
    let gone = ReasonCode::RECEIVER_GONE;
    store
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
        store.webhooks(&unit()).await.unwrap(),
        std::slice::from_ref(&disabled)
    );
    store.delete_webhook(&unit(), &disabled.name).await.unwrap();
    store.delete_webhook(&unit(), &disabled.name).await.unwrap();
    store
        .disable_webhook(&unit(), &disabled.name, gone, at(3))
        .await
        .unwrap();
    assert_eq!(store.webhooks(&unit()).await.unwrap(), []);
}

async fn audit_entries_form_a_chain_whoever_appends(World { store, .. }: World) {
    let mut tasks = JoinSet::new();
    for n in 0..10 {
        let store = store.clone();
        tasks.spawn(async move {
            let subject = Some(Label::parse(&format!("lead {n}")).unwrap());
            let action = AuditAction::LeadSeen;
            store
                .audit(&unit(), at(n), Some(Role::Unit), action, subject)
                .await
                .unwrap()
        });
    }
    tasks.join_all().await;
    let (mut entries, mut cursor) = (Vec::new(), None);
    loop {
        let page = store
            .audit_entries(&unit(), cursor.as_ref(), 3)
            .await
            .unwrap();
        entries.extend(page.items);
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(entries.len(), 10);
    assert_eq!(verify_chain(None, &entries), Ok(()));
    assert!(
        store
            .audit_entries(&tenant("other"), None, 3)
            .await
            .unwrap()
            .items
            .is_empty()
    );
}
