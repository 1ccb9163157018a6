//! A bundle of ours, for members of a larger one.

use std::io;

use records::MemberName;

use crate::{METADATA_MEMBER, Metadata};

/// A tar of these members, and of what is said about them.
///
/// # Errors
/// None that a test could bring about: the tar is written to memory.
pub fn pack(members: &[(MemberName, Vec<u8>)], metadata: &Metadata) -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    let list = metadata.list(members.iter().map(|(name, _)| name));
    if !list.is_empty() {
        append(&mut tar, METADATA_MEMBER, list.as_bytes())?;
    }
    for (name, bytes) in members {
        append(&mut tar, name.as_str(), bytes)?;
    }
    tar.into_inner()
}

fn append(tar: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, name, bytes)
}
