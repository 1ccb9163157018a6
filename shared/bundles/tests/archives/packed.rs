//! What is packed here is read here, whatever the names.

use std::io::Write;

use bundles::{Limits, Metadata, open, pack};
use proptest::prelude::*;
use records::MemberName;

fn name() -> impl Strategy<Value = MemberName> {
    let part = "[^/\\\\\\p{C}]{1,120}";
    let path = prop::collection::vec(part, 1..5).prop_map(|parts| parts.join("/"));
    path.prop_filter_map("a name", |path| MemberName::parse(&path).ok())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn members_come_back_with_what_is_said_about_them(
        names in prop::collection::btree_set(name(), 1..6),
        place in "[^\\p{C}]{0,40}",
    ) {
        let names: Vec<_> = names.into_iter().filter(|it| it.as_str() != "metadata.jsonl").collect();
        prop_assume!(!names.is_empty());
        let members: Vec<_> = (0u8..).zip(&names).map(|(n, it)| (it.clone(), vec![n + 1; 700])).collect();
        let said = serde_json::json!({"path": names[0].as_str(), "place": place, "ad_id": "7"});
        let metadata = Metadata::parse(said.to_string().as_bytes());

        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&pack(&members, &metadata).unwrap()).unwrap();
        let limits = Limits::default();
        let bundle = open(file, &limits).unwrap();
        for (at, (name, bytes)) in members.iter().enumerate() {
            prop_assert_eq!(bundle.members()[at].name.as_ref().ok(), Some(name));
            prop_assert_eq!(&bundle.read(at).unwrap(), bytes);
        }
        prop_assert_eq!(bundle.members().len(), members.len());
        let read = bundle.metadata(&limits).unwrap();
        prop_assert_eq!(sorted(read.of(&names[0])), sorted(metadata.of(&names[0])));
        prop_assert_eq!(read.faults(names.iter()), 0);
    }
}

fn sorted<'a>(said: &[(&'a str, String)]) -> Vec<(&'a str, String)> {
    let mut said = said.to_vec();
    said.sort();
    said
}
