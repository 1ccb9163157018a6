//! Moves tables out of the one file that a data folder had before.

use std::fs::{self, File};
use std::path::Path;

use dynoxide::Database;
use dynoxide::actions::delete_table::DeleteTableRequest;
use rusqlite::Connection;

use crate::error::{Error, Result};
use crate::folder::sync_dir;

/// Beginning with an empty file in its place would lose every upload and every tenant silently.
const GONE: Error = Error::Damaged("its file of uploads and tenants, uploads.db, is gone");

/// Moves the tables of these names from the file `from` into the file `to`, with their streams. A
/// crash at any point leaves them whole in one of the two, and the next call goes on.
///
/// # Errors
/// [`Error::Damaged`] if they are in neither although there are others.
pub(super) fn move_out(from: &Path, to: &Path, names: &[&str]) -> Result<()> {
    if !from.exists() {
        return Ok(());
    }
    let there = tables(from)?;
    let moving = there.iter().any(|name| names.contains(&name.as_str()));
    if !moving {
        // A first start makes both files before the first table.
        let is_whole = to.exists() || there.is_empty();
        return is_whole.then_some(()).ok_or(GONE);
    }
    if !to.exists() {
        copy(from, to, names)?;
    }
    let done = keep(from, |name| !names.contains(&name))?;
    tracing::info!(tables = done, "tables were moved into a file of their own");
    Ok(())
}

/// Copies the whole file, and throws out of the copy what is not moved. It gets its name when it
/// is whole and durable.
fn copy(from: &Path, to: &Path, names: &[&str]) -> Result<()> {
    let half = to.with_extension("new");
    if half.exists() {
        fs::remove_file(&half)?;
    }
    let path = half
        .to_str()
        .ok_or(Error::Damaged("the folder's path is no text"))?;
    Connection::open(from)?.execute("VACUUM INTO ?1", [path])?;
    keep(&half, |name| names.contains(&name))?;
    // Closes the log into the file: only one file is renamed.
    Connection::open(&half)?.pragma_update(None, "journal_mode", "DELETE")?;
    File::open(&half)?.sync_all()?;
    fs::rename(&half, to)?;
    sync_dir(to.parent().unwrap_or(Path::new(".")))?;
    Ok(())
}

/// Deletes the tables that are not to stay; says how many.
fn keep(path: &Path, stays: impl Fn(&str) -> bool) -> Result<usize> {
    let database = open(path)?;
    let mut deleted = 0;
    for table_name in tables(path)?.into_iter().filter(|name| !stays(name)) {
        database.delete_table(DeleteTableRequest { table_name })?;
        deleted += 1;
    }
    Ok(deleted)
}

fn tables(path: &Path) -> Result<Vec<String>> {
    Ok(open(path)?.list_tables(Default::default())?.table_names)
}

fn open(path: &Path) -> Result<Database> {
    let path = path
        .to_str()
        .ok_or(Error::Damaged("the folder's path is no text"))?;
    Ok(Database::new(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const MOVED: [&str; 2] = ["homeward-ads", "homeward-tenants"];

    fn make(path: &Path, name: &str) {
        let table = json!({
            "TableName": name,
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
        });
        let put = json!({"TableName": name, "Item": {"pk": {"S": name}}});
        let database = open(path).expect("opens");
        database.create_table(read(table)).expect("made");
        database.put_item(read(put)).expect("put");
    }

    fn read<T: serde::de::DeserializeOwned>(request: Value) -> T {
        serde_json::from_value(request).expect("a request")
    }

    /// The tables of a file that hold their item and its stream record.
    fn whole(path: &Path) -> Vec<String> {
        let database = open(path).expect("opens");
        let records = |name: &str| -> i64 {
            let sql = "SELECT count(*) FROM _stream_records WHERE table_name = ?1";
            let own = Connection::open(path).expect("opens");
            own.query_row(sql, [name], |row| row.get(0))
                .expect("counted")
        };
        let mut names = tables(path).expect("listed");
        names.retain(|name| {
            let get = json!({"TableName": name, "Key": {"pk": {"S": name}}});
            let got = database.get_item(read(get)).expect("got");
            got.item.is_some() && records(name) == 1
        });
        names
    }

    #[test]
    fn tables_move_with_their_items_and_streams_and_the_others_stay() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (from, to) = (dir.path().join("tables.db"), dir.path().join("uploads.db"));
        for name in ["homeward-ads", "homeward-leads", "homeward-tenants"] {
            make(&from, name);
        }
        for _ in 0..2 {
            move_out(&from, &to, &MOVED).expect("moved");
            assert_eq!(whole(&from), ["homeward-leads"]);
            assert_eq!(whole(&to), MOVED);
        }
    }

    #[test]
    fn a_folder_whose_uploads_are_gone_is_damaged_and_not_begun_again() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (from, to) = (dir.path().join("tables.db"), dir.path().join("uploads.db"));
        move_out(&from, &to, &MOVED).expect("a first start");
        drop(open(&from).expect("cut off before the first table"));
        move_out(&from, &to, &MOVED).expect("goes on");
        make(&from, "homeward-leads");
        let refused = move_out(&from, &to, &MOVED).expect_err("refused");
        assert!(matches!(refused, Error::Damaged(_)), "{refused}");
    }

    #[test]
    fn a_move_that_was_cut_off_goes_on() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (from, to) = (dir.path().join("tables.db"), dir.path().join("uploads.db"));
        for name in ["homeward-ads", "homeward-leads"] {
            make(&from, name);
        }
        fs::write(dir.path().join("uploads.new"), b"half a copy").expect("written");
        copy(&from, &to, &MOVED).expect("copied"); // and cut off before anything was deleted
        move_out(&from, &to, &MOVED).expect("moved");
        assert_eq!(
            (whole(&from), whole(&to)),
            (vec!["homeward-leads".into()], vec!["homeward-ads".into()])
        );
    }
}
