//! Bundles of ours: tars, with the list of metadata in front.

use std::io::{self, Write};

use records::MemberName;

use crate::{METADATA_MEMBER, Metadata};

/// Writes a tar of pictures, the list of what is said about them first.
pub struct Packer<W: Write>(tar::Builder<W>);

impl<W: Write> Packer<W> {
    /// Begins a bundle; `list` is its list of metadata, empty if nothing is said.
    ///
    /// # Errors
    /// The writer's.
    pub fn new(writer: W, list: &str) -> io::Result<Self> {
        let mut packer = Self(tar::Builder::new(writer));
        if !list.is_empty() {
            packer.append(METADATA_MEMBER, list.as_bytes())?;
        }
        Ok(packer)
    }

    /// Appends a member.
    ///
    /// # Errors
    /// The writer's; a name that no tar can hold.
    pub fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        self.0.append_data(&mut header, name, bytes)
    }

    /// Ends the bundle.
    ///
    /// # Errors
    /// The writer's.
    pub fn finish(self) -> io::Result<W> {
        let mut writer = self.0.into_inner()?;
        writer.flush()?;
        Ok(writer)
    }
}

/// A bundle of these members of another one, and of what that says about them.
///
/// # Errors
/// None that a test could bring about: the tar is written to memory.
pub fn pack(members: &[(MemberName, Vec<u8>)], metadata: &Metadata) -> io::Result<Vec<u8>> {
    let list = metadata.list(members.iter().map(|(name, _)| name));
    let mut packer = Packer::new(Vec::new(), &list)?;
    for (name, bytes) in members {
        packer.append(name.as_str(), bytes)?;
    }
    packer.finish()
}
