//! Equal hash and quality to PyPI `pdqhash`, the hasher that others exchange hashes with.
#![allow(missing_docs)]
#![allow(clippy::disallowed_methods, reason = "a setting says where photos are")]

use crate::drawn;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use fingerprint::{Picture, pdq};

/// The hash as printed, and the quality.
type Answer = (String, u8);

/// `pdqhash` in a Python process.
struct Peer {
    process: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    fn start() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let made = Command::new(here.join("../../tests/python/venv.sh"))
            .stderr(Stdio::inherit())
            .output()
            .expect("venv.sh runs");
        assert!(made.status.success(), "venv.sh installs the peers");
        let python = String::from_utf8(made.stdout).expect("a path");
        let mut process = Command::new(python.trim())
            .arg(here.join("tests/conformance.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let requests = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("piped"));
        Self {
            process,
            requests,
            answers,
        }
    }

    fn ask(&mut self, request: &str, pixels: &[u8]) -> (usize, usize, Answer) {
        let requests = self.requests.as_mut().expect("not finished");
        writeln!(requests, "{request}").expect("peer takes the request");
        requests.write_all(pixels).expect("peer takes the pixels");
        requests.flush().expect("peer takes the request");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("peer answers");
        let parts: Vec<&str> = line.split_whitespace().collect();
        let [width, height, hash, quality] = parts[..] else {
            panic!("{request}: {line:?}")
        };
        let number = |text: &str| text.parse::<usize>().expect("a number");
        let quality = quality.parse().expect("a quality");
        (number(width), number(height), (hash.to_owned(), quality))
    }

    fn of_photo(&mut self, path: &Path) -> (usize, usize, Vec<u8>, Answer) {
        let (width, height, answer) = self.ask(&format!("photo {}", path.display()), &[]);
        let mut rgb = vec![0; 3 * width * height];
        self.answers
            .read_exact(&mut rgb)
            .expect("peer gives the pixels");
        (width, height, rgb, answer)
    }

    fn finish(mut self) {
        drop(self.requests.take());
        assert!(self.process.wait().expect("peer ends").success());
    }
}

fn ours(picture: &Picture<'_>) -> Answer {
    let (hash, quality) = pdq(picture);
    (
        hash.0.iter().map(|byte| format!("{byte:02x}")).collect(),
        quality,
    )
}

/// The real photos: `HOMEWARD_PHOTOS`, or `../shared/photos` next to the checkout if it is there.
fn photos() -> Vec<PathBuf> {
    let folder = std::env::var_os("HOMEWARD_PHOTOS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/photos"),
        PathBuf::from,
    );
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut photos: Vec<PathBuf> = entries.map(|entry| entry.expect("listed").path()).collect();
    photos.retain(|path| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("jpg" | "jpeg" | "png" | "webp"))
    });
    photos.sort();
    photos
}

#[test]
fn drawn_pictures_hash_as_the_reference_hashes_them() {
    let mut peer = Peer::start();
    let mut golden = String::new();
    for drawn in drawn::all() {
        let request = format!("pixels {} {}", drawn.width_px, drawn.height_px);
        let (_, _, theirs) = peer.ask(&request, &drawn.rgb);
        golden += &format!("{} {} {}\n", drawn.name, theirs.0, theirs.1);
        assert_eq!(ours(&drawn.picture()), theirs, "{}", drawn.name);
    }
    peer.finish();
    // to make the file again, after another picture is drawn: HOMEWARD_GOLDEN=tests/golden.txt
    match std::env::var_os("HOMEWARD_GOLDEN") {
        Some(path) => std::fs::write(path, golden).expect("golden file is written"),
        None => assert_eq!(
            golden,
            include_str!("../golden.txt"),
            "committed from this peer"
        ),
    }
}

#[test]
fn real_photos_hash_as_the_reference_hashes_them() {
    let mut peer = Peer::start();
    let photos = photos();
    let differing: Vec<String> = photos
        .iter()
        .filter_map(|path| {
            let (width, height, rgb, theirs) = peer.of_photo(path);
            let picture = Picture::rgb(width, height, &rgb).expect("as many bytes as said");
            (ours(&picture) != theirs).then(|| path.display().to_string())
        })
        .collect();
    peer.finish();
    assert_eq!(
        differing,
        Vec::<String>::new(),
        "of {} photos",
        photos.len()
    );
}
