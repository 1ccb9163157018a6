use records::{AdKey, ObjectKey};
use store::{Fetched, Object, ObjectKind, Store};

use crate::fixtures::{ad_key, object};
use crate::host::World;

claims! {
    an_object_is_read_whole_with_its_metadata,
    an_object_over_the_limit_is_not_read,
    the_version_named_is_read_though_it_was_overwritten,
    what_is_not_there_is_gone,
    hostile_keys_go_through_unchanged,
    a_listing_follows_all_pages_and_counts_what_is_foreign,
    only_our_own_buckets_and_keys_are_located,
}

fn key(path: &str) -> ObjectKey {
    ad_key("uploader", path).into()
}

async fn read(store: &Store, key: &ObjectKey, version: Option<&str>) -> Object {
    match store.objects.fetch(key, version, 1_000_000).await.unwrap() {
        Fetched::Object(object) => object,
        other => panic!("{other:?}"),
    }
}

async fn an_object_is_read_whole_with_its_metadata(World { store, .. }: World) {
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let version = store
        .objects
        .put_object(&key("a.jpg"), object(&bytes))
        .await
        .unwrap();
    assert!(version.is_some(), "buckets keep versions");
    let read = read(&store, &key("a.jpg"), None).await;
    assert_eq!(read.bytes, bytes);
    assert_eq!(read.facts.size_bytes, 200_000);
    assert_eq!(read.facts.version_id, version);
    let (metadata, notes) = read.facts.ad_metadata();
    assert_eq!(metadata.ad_id.unwrap().as_str(), "A-1");
    assert_eq!(notes, []);
}

async fn an_object_over_the_limit_is_not_read(World { store, .. }: World) {
    store
        .objects
        .put_object(&key("big"), object(&[1; 1001]))
        .await
        .unwrap();
    match store.objects.fetch(&key("big"), None, 1000).await.unwrap() {
        Fetched::OverLimit(facts) => assert_eq!(facts.size_bytes, 1001),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        store.objects.fetch(&key("big"), None, 1001).await.unwrap(),
        Fetched::Object(_)
    ));
    store
        .objects
        .put_object(&key("empty"), object(&[]))
        .await
        .unwrap();
    assert_eq!(read(&store, &key("empty"), None).await.bytes.len(), 0);
}

async fn the_version_named_is_read_though_it_was_overwritten(World { store, .. }: World) {
    let first = store
        .objects
        .put_object(&key("a"), object(b"first"))
        .await
        .unwrap()
        .unwrap();
    let second = store
        .objects
        .put_object(&key("a"), object(b"second"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(read(&store, &key("a"), Some(&first)).await.bytes, "first");
    assert_eq!(read(&store, &key("a"), None).await.bytes, "second");
    store.objects.delete_object(&key("a"), None).await.unwrap();
    assert_eq!(
        store.objects.fetch(&key("a"), None, 10).await.unwrap(),
        Fetched::Gone
    );
    assert_eq!(read(&store, &key("a"), Some(&second)).await.bytes, "second");
    store
        .objects
        .delete_object(&key("a"), Some(&second))
        .await
        .unwrap();
    store
        .objects
        .delete_object(&key("a"), Some(&second))
        .await
        .unwrap();
    assert_eq!(
        store
            .objects
            .fetch(&key("a"), Some(&second), 10)
            .await
            .unwrap(),
        Fetched::Gone
    );
}

async fn what_is_not_there_is_gone(World { store, .. }: World) {
    assert_eq!(
        store
            .objects
            .fetch(&key("nothing"), None, 10)
            .await
            .unwrap(),
        Fetched::Gone
    );
}

async fn hostile_keys_go_through_unchanged(World { store, .. }: World) {
    let longest = "k".repeat(1024 - "ads/uploader/".len());
    let paths = [
        "a b+c%2F.jpg",
        "ünï/日本/😀",
        "../../etc/passwd",
        "a//b",
        "<&>\"'?#",
        &longest,
    ];
    for path in paths {
        store
            .objects
            .put_object(&key(path), object(path.as_bytes()))
            .await
            .unwrap();
        assert_eq!(
            read(&store, &key(path), None).await.bytes,
            path.as_bytes(),
            "{path}"
        );
    }
    let page = store
        .objects
        .objects_page(ObjectKind::Ad, "ads/", None, 100)
        .await
        .unwrap();
    let mut listed: Vec<_> = page.items.into_iter().map(|item| item.key).collect();
    let mut expected: Vec<_> = paths.iter().map(|path| key(path)).collect();
    listed.sort();
    expected.sort();
    assert!(listed == expected, "the listing has the keys as they are");
}

async fn a_listing_follows_all_pages_and_counts_what_is_foreign(World { store, sdk, .. }: World) {
    for n in 0..7 {
        store
            .objects
            .put_object(&key(&format!("{n} +")), object(b"x"))
            .await
            .unwrap();
    }
    let s3 = aws_sdk_s3::Client::from_conf(
        aws_sdk_s3::config::Builder::from(&sdk)
            .force_path_style(true)
            .build(),
    );
    let foreign = s3
        .put_object()
        .bucket(&store.names().ads_bucket)
        .key("ads/UPPER/x");
    foreign.send().await.unwrap();
    let (mut seen, mut foreign, mut after) = (Vec::new(), 0, None);
    loop {
        let page = store
            .objects
            .objects_page(ObjectKind::Ad, "ads/", after.as_deref(), 3)
            .await
            .unwrap();
        seen.extend(
            page.items
                .into_iter()
                .map(|item| item.key.as_str().to_owned()),
        );
        foreign += page.foreign;
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let expected: Vec<_> = (0..7).map(|n| format!("ads/uploader/{n} +")).collect();
    assert_eq!((seen, foreign), (expected, 1));
}

async fn only_our_own_buckets_and_keys_are_located(World { store, .. }: World) {
    let ads = store.names().ads_bucket.clone();
    let references = store.names().references_bucket.clone();
    let located = store
        .objects
        .locate(&ads, "ads/uploader/a+b%2B.jpg")
        .unwrap();
    assert_eq!(located.as_str(), "ads/uploader/a b+.jpg");
    assert!(
        store
            .objects
            .locate(&references, "references/unit/case+7/a.jpg")
            .is_some()
    );
    for (bucket, key) in [
        (ads.as_str(), "references/unit/case/a.jpg"),
        (references.as_str(), "ads/uploader/a.jpg"),
        ("another", "ads/uploader/a.jpg"),
        ("", "ads/uploader/a.jpg"),
        (ads.as_str(), "ads/uploader/"),
        (ads.as_str(), "ads/%FF/a.jpg"),
        (references.as_str(), "references/unit/a.jpg"),
    ] {
        assert!(
            store.objects.locate(bucket, key).is_none(),
            "{bucket} {key}"
        );
    }
    assert!(AdKey::parse("ads/uploader/a.jpg").is_ok());
}
