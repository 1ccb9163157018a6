//! Listings of objects and versions.

use aws_sdk_s3::error::ProvideErrorMetadata;

use crate::services::{body, put, ready, status};

#[tokio::test(flavor = "multi_thread")]
async fn every_put_is_a_version_and_a_delete_is_a_marker() {
    let (services, client) = ready().await;
    let mut versions = Vec::new();
    for text in ["one", "two"] {
        let put = client
            .put_object()
            .bucket("ads")
            .key("a")
            .body(text.as_bytes().to_vec().into());
        versions.push(put.send().await.expect("stored").version_id.expect("an id"));
    }
    let delete = client
        .delete_object()
        .bucket("ads")
        .key("a")
        .send()
        .await
        .expect("deleted");
    assert_eq!(delete.delete_marker(), Some(true));
    let marker = delete.version_id.expect("an id");
    let get = |id: &str| {
        client
            .get_object()
            .bucket("ads")
            .key("a")
            .version_id(id)
            .send()
    };
    for (id, text) in versions.iter().zip(["one", "two"]) {
        let version = get(id)
            .await
            .expect("still there")
            .body
            .collect()
            .await
            .expect("whole");
        assert_eq!(version.to_vec(), text.as_bytes());
    }
    assert_eq!(
        status(&get(&marker).await.expect_err("no object")),
        Some(405)
    );
    assert_eq!(
        get("none").await.expect_err("none").code(),
        Some("NoSuchVersion")
    );
    let all = client
        .list_object_versions()
        .bucket("ads")
        .send()
        .await
        .expect("listed");
    let ids: Vec<_> = all
        .versions()
        .iter()
        .filter_map(|version| version.version_id())
        .collect();
    assert_eq!(ids, [versions[1].as_str(), versions[0].as_str()]);
    assert_eq!(all.delete_markers()[0].version_id(), Some(marker.as_str()));

    let remove = |id: &str| {
        client
            .delete_object()
            .bucket("ads")
            .key("a")
            .version_id(id)
            .send()
    };
    remove(&marker).await.expect("removed");
    assert_eq!(body(&client, "a").await, b"two");
    remove(&versions[1]).await.expect("removed");
    assert_eq!(body(&client, "a").await, b"one");
    let checks = services
        .embedded
        .checks(true, jiff::Timestamp::now())
        .await
        .expect("checked");
    assert_eq!(
        (checks.versions, checks.contents, checks.orphan_contents),
        (1, 1, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_have_pages_prefixes_and_common_prefixes() {
    let (_services, client) = ready().await;
    let names = [
        "a",
        "a/1",
        "a/2/x",
        "a/2/y",
        "a/3",
        "b/1",
        "c",
        "c/\u{10FFFF}",
        "c0",
    ];
    for name in names {
        put(&client, name, b"").await;
    }
    let mut seen = Vec::new();
    let mut token = None;
    loop {
        let page = client
            .list_objects_v2()
            .bucket("ads")
            .max_keys(2)
            .set_continuation_token(token);
        let page = page.send().await.expect("a page");
        assert_eq!(page.key_count(), i32::try_from(page.contents().len()).ok());
        seen.extend(
            page.contents()
                .iter()
                .map(|object| object.key().expect("a key").to_owned()),
        );
        token = page.next_continuation_token().map(str::to_owned);
        if page.is_truncated() != Some(true) {
            break;
        }
    }
    assert_eq!(seen, names);
    for (prefix, after, keys, prefixes) in [
        ("", "", vec!["a", "c", "c0"], vec!["a/", "b/", "c/"]),
        ("a/", "", vec!["a/1", "a/3"], vec!["a/2/"]),
        ("a/2", "", vec![], vec!["a/2/"]),
        ("", "a/", vec!["c", "c0"], vec!["b/", "c/"]),
        ("", "b/1", vec!["c", "c0"], vec!["c/"]),
        ("c/", "", vec!["c/\u{10FFFF}"], vec![]),
        ("none", "", vec![], vec![]),
    ] {
        let mut found = (Vec::new(), Vec::new());
        let mut marker = Some(after.to_owned()).filter(|after| !after.is_empty());
        loop {
            let page = client
                .list_objects()
                .bucket("ads")
                .prefix(prefix)
                .delimiter("/")
                .max_keys(1);
            let page = page.set_marker(marker).send().await.expect("a page");
            found.0.extend(
                page.contents()
                    .iter()
                    .filter_map(|o| o.key().map(str::to_owned)),
            );
            found.1.extend(
                page.common_prefixes()
                    .iter()
                    .filter_map(|p| p.prefix().map(str::to_owned)),
            );
            marker = page.next_marker().map(str::to_owned);
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(found.0, keys, "{prefix} after {after}");
        assert_eq!(found.1, prefixes, "{prefix} after {after}");
    }
    let none = client
        .list_objects_v2()
        .bucket("ads")
        .max_keys(0)
        .send()
        .await
        .expect("a page");
    assert_eq!(
        (none.contents().len(), none.is_truncated()),
        (0, Some(false))
    );
    let missing = client
        .list_objects_v2()
        .bucket("none")
        .send()
        .await
        .expect_err("no bucket");
    assert_eq!(missing.code(), Some("NoSuchBucket"));
}
