//! `seeds DIR`: writes the files that the fuzz targets begin with, one folder a target.

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| std::io::Error::other("usage: seeds DIR"))?;
    for (claim, _) in hostile::CLAIMS {
        let folder = folder.join(claim);
        std::fs::create_dir_all(&folder)?;
        for (n, seed) in hostile::seeds(claim).iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{n}")), seed)?;
        }
    }
    Ok(())
}
