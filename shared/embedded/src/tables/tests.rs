//! Which file answers, and who waits for whom.

use super::*;

fn tables() -> (tempfile::TempDir, Tables) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let folder = Arc::new(Folder::open(dir.path()).expect("opens"));
    (dir, Tables::open(folder).expect("opens"))
}

/// dynoxide leaves `synchronous` at SQLite's default, so that must be FULL (2).
#[test]
fn every_commit_is_synced() {
    let (_dir, tables) = tables();
    for own in tables.connect_all().expect("opens") {
        let mode: String = own
            .pragma_query_value(None, "journal_mode", |r| r.get(0))
            .expect("set");
        let level: i64 = own
            .pragma_query_value(None, "synchronous", |r| r.get(0))
            .expect("set");
        assert_eq!((mode.as_str(), level), ("wal", 2));
    }
}

/// The statements are dynoxide's: the next sequence number, and the records behind one.
#[test]
fn the_streams_statements_use_our_index() {
    let (_dir, tables) = tables();
    let own = tables.connect("homeward-ads").expect("opens");
    for statement in [
        "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1
         FROM _stream_records WHERE table_name = ?1",
        "SELECT event_name FROM _stream_records
         WHERE table_name = ?1 AND shard_id = ?2 AND CAST(sequence_number AS INTEGER) > ?3
         ORDER BY CAST(sequence_number AS INTEGER) ASC LIMIT ?4",
    ] {
        let explain = format!("EXPLAIN QUERY PLAN {statement}");
        let mut plan = own.prepare(&explain).expect("valid");
        let values = vec!["x"; plan.parameter_count()];
        let plan: Vec<String> = plan
            .query_map(rusqlite::params_from_iter(values), |row| row.get(3))
            .and_then(Iterator::collect)
            .expect("explained");
        assert!(
            plan.iter()
                .any(|step| step.contains("homeward_stream_order")),
            "{plan:?}"
        );
        assert!(
            !plan.iter().any(|step| step.contains("TEMP B-TREE")),
            "{plan:?}"
        );
    }
}

const ITEM: &str = r#"{"TableName":"NAME","Item":{"pk":{"S":"a"}},"Key":{"pk":{"S":"a"}}}"#;

fn make(tables: &Tables, name: &str) {
    let table = r#"{"TableName":"NAME","BillingMode":"PAY_PER_REQUEST",
        "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],
        "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}"#;
    let made = tables.answer(
        Priority::Interactive,
        "CreateTable",
        &table.replace("NAME", name),
    );
    assert_eq!(made.0, 200, "{}", made.1);
}

fn ask(tables: &Tables, priority: Priority, operation: &str, name: &str) -> u16 {
    tables
        .answer(priority, operation, &ITEM.replace("NAME", name))
        .0
}

/// Held as a long write of leads would hold it.
#[test]
fn what_uploaders_wait_for_goes_on_while_the_other_tables_are_locked() {
    let (_dir, tables) = tables();
    make(&tables, "homeward-ads");
    make(&tables, "homeward-leads");
    assert_eq!(
        ask(&tables, Priority::Background, "PutItem", "homeward-leads"),
        200
    );
    let others = tables.connect("homeward-leads").expect("opens");
    others.execute_batch("BEGIN IMMEDIATE").expect("locked");
    assert_eq!(
        ask(&tables, Priority::Interactive, "PutItem", "homeward-ads"),
        200
    );
    for priority in [Priority::Interactive, Priority::Background] {
        for table in ["homeward-ads", "homeward-leads"] {
            assert_eq!(ask(&tables, priority, "GetItem", table), 200, "{table}");
        }
    }
    others.execute_batch("ROLLBACK").expect("free");
}

#[test]
fn uploaders_are_answered_while_their_own_tables_are_written() {
    let (_dir, tables) = tables();
    make(&tables, "homeward-ads");
    let written = tables.connect("homeward-ads").expect("opens");
    written.execute_batch("BEGIN IMMEDIATE").expect("locked");
    assert_eq!(
        ask(&tables, Priority::Interactive, "GetItem", "homeward-ads"),
        200
    );
}

#[test]
fn all_tables_are_listed_and_none_is_asked_for_with_those_of_the_other_file() {
    let (_dir, tables) = tables();
    for name in ["homeward-ads", "homeward-leads"] {
        make(&tables, name);
    }
    let (_, listed) = tables.answer(Priority::Interactive, "ListTables", "{}");
    assert_eq!(
        listed,
        r#"{"TableNames":["homeward-ads","homeward-leads"]}"#
    );
    let get =
        |name: &str| format!(r#"{{"Get":{{"TableName":"{name}","Key":{{"pk":{{"S":"a"}}}}}}}}"#);
    let both = [get("homeward-ads"), get("homeward-leads")].join(",");
    let spanning = format!(r#"{{"TransactItems":[{both}]}}"#);
    let (status, error) = tables.answer(Priority::Interactive, "TransactGetItems", &spanning);
    assert_eq!(status, 400);
    assert!(error.contains("homeward-tenants lie apart"), "{error}");
}

#[test]
fn a_table_that_is_made_again_is_read_as_it_is() {
    let (_dir, tables) = tables();
    for _ in 0..2 {
        make(&tables, "homeward-ads");
        assert_eq!(
            ask(&tables, Priority::Interactive, "PutItem", "homeward-ads"),
            200
        );
        assert_eq!(
            ask(&tables, Priority::Interactive, "GetItem", "homeward-ads"),
            200
        );
        assert_eq!(
            ask(
                &tables,
                Priority::Interactive,
                "DeleteTable",
                "homeward-ads"
            ),
            200
        );
        assert_eq!(
            ask(&tables, Priority::Interactive, "GetItem", "homeward-ads"),
            400
        );
    }
}

#[test]
fn what_cannot_be_read_gets_dynamodbs_kind_of_error() {
    for (text, kind) in [
        (
            "VALIDATION:name too short at line 1 column 9",
            "ValidationException",
        ),
        ("VALIDATION_REQUEST:x", "ValidationException"),
        ("SERIALIZATION:NUMBER_VALUE", "SerializationException"),
        (
            "missing field `Key` at line 1 column 2",
            "ValidationException",
        ),
        (
            "invalid type: integer `2`, expected a string",
            "SerializationException",
        ),
    ] {
        assert!(unreadable(text).error_type().ends_with(kind), "{text}");
    }
}
