//! Which files a folder holds, whatever they are called.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// A file in a folder, or what stands in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub path: PathBuf,
    /// Its path as text, below the folder, with `/` between the parts. Bytes that are no text
    /// become `\xNN`, so that two files never share a name.
    pub name: String,
    /// Why it cannot be read, where that is known already.
    pub refused: Option<&'static str>,
}

/// Every file below `folder`, in the order of its name at each level. Links are followed; one
/// that leads back into its own folder is refused, as is anything but a regular file.
pub fn files(folder: &Path) -> Vec<Entry> {
    let walk = WalkDir::new(folder).follow_links(true).sort_by_file_name();
    walk.into_iter()
        .filter_map(|found| entry(folder, found))
        .collect()
}

/// The file that `path` names, as a folder of one.
pub fn single(path: &Path) -> Entry {
    Entry {
        path: path.to_owned(),
        name: text(path.as_os_str()),
        refused: None,
    }
}

fn entry(folder: &Path, found: walkdir::Result<walkdir::DirEntry>) -> Option<Entry> {
    let (path, refused) = match found {
        Ok(found) if found.file_type().is_dir() => return None,
        Ok(found) if found.file_type().is_file() => (found.into_path(), None),
        Ok(found) => (found.into_path(), Some("not_a_file")),
        Err(error) => {
            let path = error.path().unwrap_or(folder).to_owned();
            let reason = match error.io_error() {
                Some(io) => crate::picture_file::io_reason(io),
                None => "link_loop",
            };
            (path, Some(reason))
        }
    };
    let name = name_below(folder, &path);
    Some(Entry {
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
    fn a_name_that_is_no_text_is_still_told_apart() {
        assert_eq!(
            text(OsStr::from_bytes(b"caf\xe9 \xff.jpg")),
            "caf\\xe9 \\xff.jpg"
        );
        assert_eq!(text(OsStr::new("été, \"x\".jpg")), "été, \"x\".jpg");
    }
}
