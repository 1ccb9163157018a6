//! The claims hold of the files to begin with, of each cut short anywhere, and of every file that
//! broke one once: those lie in `fuzz/regressions/{claim}/`.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;

use hostile::{CLAIMS, seeds};

#[test]
fn the_claims_hold_of_sound_files_wherever_they_are_cut() {
    for (name, claim) in CLAIMS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} begins with something");
        for seed in seeds {
            let step = (seed.len() / 200).max(1);
            (0..=seed.len())
                .step_by(step)
                .for_each(|length| claim(&seed[..length]));
            claim(&seed);
        }
    }
}

#[test]
fn the_claims_hold_of_every_file_that_broke_one() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/regressions");
    let names: Vec<_> = CLAIMS.iter().map(|(name, _)| (*name).to_owned()).collect();
    for folder in std::fs::read_dir(&kept).unwrap() {
        let folder = folder.unwrap();
        let name = folder.file_name().into_string().unwrap();
        if folder.file_type().unwrap().is_dir() {
            assert!(names.contains(&name), "{name} is no claim");
        }
    }
    for (name, claim) in CLAIMS {
        for file in std::fs::read_dir(kept.join(name)).into_iter().flatten() {
            let file = file.unwrap().path();
            println!("{}", file.display());
            claim(&std::fs::read(file).unwrap());
        }
    }
}
