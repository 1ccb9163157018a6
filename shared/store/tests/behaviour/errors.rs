use store::{Error, Jitter, Store};

use crate::fixtures::*;
use crate::host::{World, names, sdk_config};

claims! {
    a_missing_table_is_the_deployments_fault,
    a_missing_bucket_is_the_deployments_fault,
    creating_the_tables_again_changes_nothing,
}

fn elsewhere(world: &World) -> Store {
    Store::with_sdk_config(&world.sdk, names("elsewhere"), Jitter::new(|| 0))
}

async fn a_missing_table_is_the_deployments_fault(world: World) {
    let store = elsewhere(&world);
    let refused = store.tenants.tenant(&unit()).await;
    assert!(
        matches!(refused, Err(Error::Configuration(_))),
        "{refused:?}"
    );
    let refused = store
        .references
        .submit(&unit(), &reference("x", 1), &reference_fingerprint(1))
        .await;
    assert!(
        matches!(refused, Err(Error::Configuration(_))),
        "{refused:?}"
    );
}

async fn a_missing_bucket_is_the_deployments_fault(world: World) {
    let refused = elsewhere(&world)
        .objects
        .fetch(&ad_key("uploader", "a").into(), None, 10)
        .await;
    assert!(
        matches!(refused, Err(Error::Configuration(_))),
        "{refused:?}"
    );
}

async fn creating_the_tables_again_changes_nothing(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    store.db.create_tables().await.unwrap();
    assert!(
        store
            .references
            .reference(&unit(), &id)
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again_later() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let sdk = sdk_config(&format!("http://{free}"));
    let store = Store::with_sdk_config(&sdk, names("none"), Jitter::new(|| 0));
    let refused = store.tenants.tenant(&unit()).await.unwrap_err();
    assert!(matches!(refused, Error::Unavailable(_)) && refused.is_retryable());
    let refused = store
        .objects
        .fetch(&ad_key("uploader", "secret").into(), None, 10)
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::Unavailable(_)));
    assert!(!refused.to_string().contains("secret"));
}
