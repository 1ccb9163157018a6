//! A small world of references and ads, and what is true about it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::checkout;
use crate::process::Serve;

/// Drawn by `tests/python/world.py`.
pub struct World {
    folder: tempfile::TempDir,
    /// Which references each ad shows, by file names.
    pub truth: BTreeMap<String, BTreeSet<String>>,
}

/// One object to be uploaded.
#[derive(Clone, Debug)]
pub struct Put {
    /// In which bucket: `ads_bucket` or `references_bucket`.
    pub bucket: &'static str,
    /// Under which key.
    pub key: String,
    /// The file.
    pub path: PathBuf,
    /// User metadata.
    pub metadata: Value,
}

impl World {
    /// Draws a world.
    pub fn draw(references: usize, strangers: usize, seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new(checkout::python())
            .arg(checkout::root().join("tests/python/world.py"))
            .arg(folder.path())
            .args(["--references", &references.to_string()])
            .args(["--strangers", &strangers.to_string()])
            .args(["--seed", &seed.to_string()])
            .status()
            .unwrap();
        assert!(made.success());
        let text = std::fs::read_to_string(folder.path().join("truth.json")).unwrap();
        Self {
            folder,
            truth: serde_json::from_str(&text).unwrap(),
        }
    }

    /// A file of the world: `references/NAME` or `ads/NAME`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// One put per reference, each a case of its own, named like the file.
    pub fn references(&self) -> Vec<Put> {
        self.files("references")
            .map(|name| Put {
                bucket: "references_bucket",
                key: format!("references/unit/{name}/photo.jpg"),
                path: self.path("references").join(&name),
                metadata: json!({}),
            })
            .collect()
    }

    /// One put per ad, with metadata.
    pub fn ads(&self) -> Vec<Put> {
        self.files("ads")
            .map(|name| Put {
                bucket: "ads_bucket",
                key: format!("ads/uploader/{name}"),
                path: self.path("ads").join(&name),
                metadata: json!({"ad-id": name.replace(' ', "-"), "place": "Springfield"}),
            })
            .collect()
    }

    fn files(&self, folder: &str) -> impl Iterator<Item = String> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap();
        let names: BTreeSet<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.into_iter()
    }

    /// Every pair of case and ad that is true.
    pub fn pairs(&self) -> BTreeSet<(String, String)> {
        let pairs = self.truth.iter().flat_map(|(ad, references)| {
            references
                .iter()
                .map(move |reference| (reference.clone(), ad.clone()))
        });
        pairs.collect()
    }
}

/// Where to upload, for `tests/python/upload.py`.
pub fn plan(ready: &Value, puts: &[Put], threads: usize) -> Value {
    let puts: Vec<_> = puts
        .iter()
        .map(|put| {
            json!({"bucket": ready[put.bucket], "key": put.key, "path": put.path,
                "metadata": put.metadata})
        })
        .collect();
    json!({"s3": ready["s3"], "region": ready["region"], "access_key_id": ready["access_key_id"],
        "secret_access_key": ready["secret_access_key"], "threads": threads, "puts": puts})
}

/// Uploads with boto3; every put must be acknowledged.
pub fn upload(serve: &Serve, puts: &[Put]) {
    upload_by(&plan(&serve.ready, puts, 4));
}

/// Carries out a plan with boto3; every put must be acknowledged. Returns the acknowledgements, in
/// the plan's order: `key`, `version_id`, `etag`, `size`.
pub fn upload_by(plan: &Value) -> Vec<Value> {
    let mut python = Command::new(checkout::python())
        .arg(checkout::root().join("tests/python/upload.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python
        .stdin
        .take()
        .unwrap()
        .write_all(plan.to_string().as_bytes())
        .unwrap();
    let output = python.wait_with_output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    let answers: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for answer in &answers {
        assert_eq!(answer["ok"], true, "{answer}");
    }
    assert_eq!(answers.len(), plan["puts"].as_array().unwrap().len());
    answers
}

/// The file name behind an object key.
pub fn file_name(key: &str) -> String {
    Path::new(key)
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned()
}
