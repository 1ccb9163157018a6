//! Edited copies by another program, and other pictures that lie on the disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::tally::RecallAd;
use console::folder::{self, FolderEntry};
use console::outcome::{Failure, Result};

/// Ads and what they show, as long as this lives.
pub(super) struct Made {
    pub ads: Vec<(FolderEntry, RecallAd)>,
    _room: TempDir,
}

/// Calls `FILE.py PHOTOS OUT --fillers DIR --seed N`, which leaves edited copies and a `truth.csv`
/// with the columns `ad_file,ref_file,group` and perhaps `transform,severity` in OUT.
///
/// # Errors
/// The input's fault if the program fails or leaves no truth.
pub(super) fn run(
    file: &Path,
    chosen: &[FolderEntry],
    rest: &[FolderEntry],
    seed: u64,
) -> Result<Made> {
    let room = tempfile::tempdir()?;
    let (photos, out) = (room.path().join("photos"), room.path().join("ads"));
    let fillers = room.path().join("fillers");
    let numbers = copied(chosen, &photos)?;
    copied(rest, &fillers)?;
    let ended = Command::new("python3")
        .arg(file)
        .args([&photos, &out])
        .arg("--fillers")
        .arg(&fillers)
        .args(["--seed", &seed.to_string()])
        .stdout(Stdio::null())
        .status();
    if !ended.is_ok_and(|status| status.success()) {
        return Err(Failure::input(
            "the program of --transforms failed",
            "it is called as: python3 FILE.py PHOTOS OUT --fillers DIR --seed N",
        ));
    }
    let ads = printed(&out, &numbers)?;
    Ok(Made { ads, _room: room })
}

/// A picture that is no copy of any reference.
pub(super) fn lookalike(entry: FolderEntry) -> (FolderEntry, RecallAd) {
    let ad = RecallAd {
        name: entry.name.clone(),
        photo: entry.name.clone(),
        group: "lookalikes".to_owned(),
        kind: String::new(),
        shows: Vec::new(),
    };
    (entry, ad)
}

/// Copies files into a folder under names of one part, and says which name is which file.
fn copied(entries: &[FolderEntry], into: &Path) -> Result<BTreeMap<String, usize>> {
    fs::create_dir_all(into)?;
    let mut numbers = BTreeMap::new();
    for (number, entry) in entries.iter().enumerate() {
        let last = entry.name.rsplit('/').next().unwrap_or(&entry.name);
        let name = match numbers.contains_key(last) {
            false => last.to_owned(),
            true => format!("{number}-{last}"),
        };
        if entry.refused.is_none() {
            fs::copy(&entry.path, into.join(&name))?;
        }
        numbers.insert(name, number);
    }
    Ok(numbers)
}

/// What `truth.csv` says: each ad once, with all references that it shows.
fn printed(out: &Path, numbers: &BTreeMap<String, usize>) -> Result<Vec<(FolderEntry, RecallAd)>> {
    let faulty = |cause: csv::Error| {
        Failure::input(
            format_args!("the truth.csv of --transforms cannot be read: {cause}"),
            "it has the columns ad_file,ref_file,group",
        )
    };
    let mut reader = csv::Reader::from_path(out.join("truth.csv")).map_err(faulty)?;
    let mut ads: BTreeMap<String, (FolderEntry, RecallAd)> = BTreeMap::new();
    for row in reader.deserialize::<BTreeMap<String, String>>() {
        let row = row.map_err(faulty)?;
        let column = |name: &str| row.get(name).cloned().unwrap_or_default();
        let file = column("ad_file");
        let (_, ad) = ads.entry(file.clone()).or_insert_with(|| {
            let kind = [column("transform"), column("severity")].join(" ");
            made(
                out.join(&file),
                file,
                column("group"),
                kind.trim().to_owned(),
            )
        });
        if let Some(number) = numbers.get(&column("ref_file")) {
            ad.shows.push(*number);
            ad.photo = column("ref_file");
        }
    }
    Ok(ads.into_values().collect())
}

fn made(path: PathBuf, name: String, group: String, kind: String) -> (FolderEntry, RecallAd) {
    let entry = FolderEntry {
        name: folder::text(path.as_os_str()),
        path,
        refused: None,
    };
    let ad = RecallAd {
        name: format!("{name} {group} {kind}"),
        photo: String::new(),
        group,
        kind,
        shows: Vec::new(),
    };
    (entry, ad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ad_that_shows_two_references_is_one_ad() -> std::result::Result<(), Failure> {
        let room = tempfile::tempdir()?;
        let rows = "ad_file,ref_file,group,transform,severity\n\
                    x.jpg,a.jpg,collage,tiles,2h\nx.jpg,b.jpg,collage,tiles,2h\n\
                    y.jpg,a.jpg,scale,scale,50\nz.jpg,unknown.jpg,scale,scale,0.50\n";
        fs::write(room.path().join("truth.csv"), rows)?;
        let numbers = BTreeMap::from([("a.jpg".to_owned(), 0), ("b.jpg".to_owned(), 1)]);
        let ads = printed(room.path(), &numbers)?;
        let shows: Vec<_> = ads
            .iter()
            .map(|(_, ad)| (&ad.kind[..], &ad.shows[..]))
            .collect();
        assert_eq!(
            shows,
            [
                ("tiles 2h", &[0, 1][..]),
                ("scale 50", &[0]),
                ("scale 0.50", &[])
            ]
        );
        fs::write(room.path().join("truth.csv"), "ad_file\n\"")?;
        assert!(printed(Path::new("nowhere"), &numbers).is_err());
        Ok(())
    }
}
