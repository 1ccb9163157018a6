//! Which files a folder holds, whatever they are called.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// A file in a folder, or what stands in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderEntry {
    /// Where it is.
    pub path: PathBuf,
    /// Its path as text, below the folder, with `/` between the parts. Bytes that are no text
    /// become `\xNN`, so that two files never share a name.
    pub name: String,
    /// Why it cannot be read, where that is known already.
    pub refused: Option<&'static str>,
}

/// Every file below `folder`, in the order of its name at each level, for what stays on this machine.
/// Links are followed; one that leads back into its own folder is refused, as is anything but a
/// regular file.
pub fn files(folder: &Path) -> Vec<FolderEntry> {
    walk(folder)
        .into_iter()
        .filter_map(|found| entry(folder, found))
        .collect()
}

/// As [`files`], for what leaves the machine: a link that leads out of the folder is refused by its
/// name, and neither read nor descended into.
pub fn files_within(folder: &Path) -> Vec<FolderEntry> {
    let root = folder.canonicalize().ok();
    let mut walk = walk(folder).into_iter();
    let mut entries = Vec::new();
    while let Some(found) = walk.next() {
        let link = found
            .as_ref()
            .ok()
            .filter(|it| it.path_is_symlink() && it.depth() > 0);
        let outside = link.filter(|link| !leads_within(link.path(), root.as_deref()));
        if let Some(link) = outside {
            if link.file_type().is_dir() {
                walk.skip_current_dir();
            }
            entries.push(FolderEntry {
                path: link.path().to_owned(),
                name: name_below(folder, link.path()),
                refused: Some(LEADS_OUT),
            });
            continue;
        }
        entries.extend(entry(folder, found));
    }
    entries
}

/// The reason of a link that leads out of the folder.
pub const LEADS_OUT: &str = "link_out";

fn walk(folder: &Path) -> WalkDir {
    WalkDir::new(folder).follow_links(true).sort_by_file_name()
}

fn leads_within(link: &Path, root: Option<&Path>) -> bool {
    let target = link.canonicalize();
    root.is_some_and(|root| target.is_ok_and(|target| target.starts_with(root)))
}

/// The file that `path` names, as a folder of one.
pub fn single(path: &Path) -> FolderEntry {
    FolderEntry {
        path: path.to_owned(),
        name: text(path.as_os_str()),
        refused: None,
    }
}

fn entry(folder: &Path, found: walkdir::Result<walkdir::DirEntry>) -> Option<FolderEntry> {
    let (path, refused) = match found {
        Ok(found) if found.file_type().is_dir() => return None,
        Ok(found) if found.file_type().is_file() => (found.into_path(), None),
        Ok(found) => (found.into_path(), Some("not_a_file")),
        Err(error) => {
            let path = error.path().unwrap_or(folder).to_owned();
            let reason = match error.io_error() {
                Some(io) => crate::image_file::io_reason(io),
                None => "link_loop",
            };
            (path, Some(reason))
        }
    };
    let name = name_below(folder, &path);
    Some(FolderEntry {
        path,
        name,
        refused,
    })
}

fn name_below(folder: &Path, path: &Path) -> String {
    let below = path.strip_prefix(folder).unwrap_or(path);
    let parts: Vec<_> = below
        .components()
        .map(|part| text(part.as_os_str()))
        .collect();
    parts.join("/")
}

/// A file name as text.
pub fn text(name: &OsStr) -> String {
    let mut out = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        out.push_str(chunk.valid());
        chunk
            .invalid()
            .iter()
            .for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
    }
    out
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    fn names(folder: &Path) -> Vec<(String, Option<&'static str>)> {
        files(folder)
            .into_iter()
            .map(|entry| (entry.name, entry.refused))
            .collect()
    }

    #[test]
    fn files_come_by_name_and_links_in_circles_are_refused() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("b"))?;
        for name in ["c.jpg", "a.jpg", "b/z.jpg"] {
            std::fs::write(at(name), b"")?;
        }
        std::os::unix::fs::symlink(folder.path(), at("b/around"))?;
        std::os::unix::fs::symlink(at("c.jpg"), at("d.jpg"))?;
        std::os::unix::fs::symlink(at("nothing"), at("e.jpg"))?;
        let file = |name: &str| (name.to_owned(), None);
        assert_eq!(
            names(folder.path()),
            [
                file("a.jpg"),
                ("b/around".to_owned(), Some("link_loop")),
                file("b/z.jpg"),
                file("c.jpg"),
                file("d.jpg"),
                ("e.jpg".to_owned(), Some("not_found")),
            ]
        );
        Ok(())
    }

    #[test]
    fn what_leaves_the_machine_lies_within_the_folder() -> std::io::Result<()> {
        let outside = tempfile::tempdir()?;
        std::fs::create_dir(outside.path().join("sub"))?;
        for name in ["key.txt", "sub/other.jpg"] {
            std::fs::write(outside.path().join(name), b"")?;
        }
        let parent = tempfile::tempdir()?;
        let folder = parent.path().join("ads");
        let at = |name: &str| folder.join(name);
        std::fs::create_dir_all(at("b"))?;
        std::fs::write(at("a.jpg"), b"")?;
        std::fs::write(at("b/z.jpg"), b"")?;
        let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, at(name));
        link(outside.path(), "link")?;
        link(&outside.path().join("key.txt"), "b/key.txt")?;
        link(Path::new("../.."), "b/up")?;
        link(Path::new("../a.jpg"), "b/same.jpg")?;
        link(&at("b"), "c")?;
        let names: Vec<_> = files_within(&folder)
            .into_iter()
            .map(|entry| (entry.name, entry.refused))
            .collect();
        let file = |name: &str| (name.to_owned(), None);
        let out = |name: &str| (name.to_owned(), Some(LEADS_OUT));
        let b = |folder: &str| {
            [
                out(&format!("{folder}/key.txt")),
                file(&format!("{folder}/same.jpg")),
                out(&format!("{folder}/up")),
                file(&format!("{folder}/z.jpg")),
            ]
        };
        let expected = [
            vec![file("a.jpg")],
            b("b").to_vec(),
            b("c").to_vec(),
            vec![out("link")],
        ];
        assert_eq!(names, expected.concat());
        // The folder itself may be named by a link.
        std::os::unix::fs::symlink(&folder, parent.path().join("named"))?;
        assert_eq!(
            files_within(&parent.path().join("named")).len(),
            names.len()
        );
        Ok(())
    }

    #[test]
    fn a_name_that_is_no_text_is_still_told_apart() {
        assert_eq!(
            text(OsStr::from_bytes(b"caf\xe9 \xff.jpg")),
            "caf\\xe9 \\xff.jpg"
        );
        assert_eq!(text(OsStr::new("été, \"x\".jpg")), "été, \"x\".jpg");
    }
}
