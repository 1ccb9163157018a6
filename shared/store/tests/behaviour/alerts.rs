use crate::fixtures::*;
use crate::host::World;

claims! {
    the_feed_goes_on_where_its_reader_stopped,
    the_feed_moves_on_past_what_is_left_out,
}

async fn the_feed_goes_on_where_its_reader_stopped(World { store, .. }: World) {
    let empty = store.leads.alerts(&unit(), None, 10).await.unwrap();
    assert!(empty.items.is_empty());
    let start = empty.next.expect("even an empty feed has a position");
    let id = active_reference(&store, 1).await;
    for n in 0..5 {
        store
            .leads
            .record_lead(&found(&id, n), &[], at(10))
            .await
            .unwrap();
    }
    let first = store.leads.alerts(&unit(), Some(&start), 3).await.unwrap();
    let second = store
        .leads
        .alerts(&unit(), first.next.as_ref(), 3)
        .await
        .unwrap();
    let third = store
        .leads
        .alerts(&unit(), second.next.as_ref(), 3)
        .await
        .unwrap();
    let numbers = |page: &records::Page<records::Alert>| -> Vec<u64> {
        page.items.iter().map(|alert| alert.seq).collect()
    };
    assert_eq!(
        (numbers(&first), numbers(&second)),
        (vec![1, 2, 3], vec![4, 5])
    );
    assert_eq!((numbers(&third), third.next), (vec![], second.next.clone()));
    store
        .leads
        .record_lead(&found(&id, 9), &[], at(11))
        .await
        .unwrap();
    let later = store
        .leads
        .alerts(&unit(), second.next.as_ref(), 3)
        .await
        .unwrap();
    assert_eq!(numbers(&later), [6]);
}

async fn the_feed_moves_on_past_what_is_left_out(World { store, .. }: World) {
    let withdrawn = active_reference(&store, 1).await;
    let kept = active_reference(&store, 2).await;
    for n in 0..5 {
        store
            .leads
            .record_lead(&found(&withdrawn, n), &[], at(10))
            .await
            .unwrap();
    }
    store
        .leads
        .record_lead(&found(&kept, 7), &[], at(10))
        .await
        .unwrap();
    store
        .references
        .withdraw(&unit(), &withdrawn, at(11))
        .await
        .unwrap();
    let page = store.leads.alerts(&unit(), None, 3).await.unwrap();
    assert!(page.items.is_empty());
    let page = store
        .leads
        .alerts(&unit(), page.next.as_ref(), 3)
        .await
        .unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].data.reference_id, kept);
}
