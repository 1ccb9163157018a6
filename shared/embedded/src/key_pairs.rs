//! Key pairs that are held to a part of S3, in addition to the folder's own, which opens everything.
//!
//! They lie in the folder in clear, as the folder's own does: to check a signature of version 4 the
//! secret itself is needed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::folder::{AccessKey, read_secret, write_secret};

const DAMAGED: Error = Error::Damaged("key-pairs.json holds no key pairs");

/// A part of S3: the keys of a bucket that start with a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The bucket.
    pub bucket: String,
    /// What keys start with; ends in a slash, or it reaches into its neighbours.
    pub prefix: String,
}

/// A pair and what it reaches.
#[derive(Clone)]
pub(crate) struct GrantedKey {
    key: AccessKey,
    pub(crate) reaches: Vec<Reach>,
}

/// All pairs by their holder, as the file has them.
pub(crate) struct KeyPairs {
    path: PathBuf,
    held: Mutex<BTreeMap<String, GrantedKey>>,
}

impl KeyPairs {
    /// Reads the file; without one there are no pairs.
    pub(crate) fn open(path: PathBuf) -> Result<Self> {
        let held = match read_secret(&path) {
            Ok(text) => read(&text).ok_or(DAMAGED)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            path,
            held: Mutex::new(held),
        })
    }

    /// The holder's pair, drawn at the first call; from now on it reaches this. Durable when it
    /// returns. Blocks.
    pub(crate) fn grant(&self, holder: &str, reaches: Vec<Reach>) -> Result<AccessKey> {
        self.change(|held| {
            let pair = held.entry(holder.to_owned()).or_insert_with(|| GrantedKey {
                key: AccessKey::draw(),
                reaches: Vec::new(),
            });
            pair.reaches = reaches;
            pair.key.clone()
        })
    }

    /// From now on the holder's pair opens nothing; says whether there was one. Blocks.
    pub(crate) fn revoke(&self, holder: &str) -> Result<bool> {
        self.change(|held| held.remove(holder).is_some())
    }

    /// The secret of a pair.
    pub(crate) fn secret(&self, id: &str) -> Option<String> {
        self.find(id, |pair| pair.key.secret.clone())
    }

    /// What a pair reaches.
    pub(crate) fn reaches(&self, id: &str) -> Option<Vec<Reach>> {
        self.find(id, |pair| pair.reaches.clone())
    }

    fn find<T>(&self, id: &str, what: impl FnOnce(&GrantedKey) -> T) -> Option<T> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.values().find(|pair| pair.key.id == id).map(what)
    }

    /// Changes the pairs, in the file first.
    fn change<T>(&self, change: impl FnOnce(&mut BTreeMap<String, GrantedKey>) -> T) -> Result<T> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = held.clone();
        let answer = change(&mut changed);
        write_secret(&self.path, &written(&changed))?;
        *held = changed;
        Ok(answer)
    }
}

fn written(held: &BTreeMap<String, GrantedKey>) -> String {
    let reach = |it: &Reach| json!({"bucket": it.bucket, "prefix": it.prefix});
    let pairs = held.iter().map(|(holder, pair)| {
        json!({
            "holder": holder,
            "access_key_id": pair.key.id,
            "secret_access_key": pair.key.secret,
            "reaches": pair.reaches.iter().map(reach).collect::<Vec<_>>(),
        })
    });
    Value::from_iter(pairs).to_string()
}

fn read(text: &str) -> Option<BTreeMap<String, GrantedKey>> {
    let pairs: Value = serde_json::from_str(text).ok()?;
    pairs.as_array()?.iter().map(read_pair).collect()
}

fn read_pair(pair: &Value) -> Option<(String, GrantedKey)> {
    let text = |of: &Value, name: &str| Some(of.get(name)?.as_str()?.to_owned());
    let reaches = pair.get("reaches")?.as_array()?.iter().map(|reach| {
        Some(Reach {
            bucket: text(reach, "bucket")?,
            prefix: text(reach, "prefix")?,
        })
    });
    let key = AccessKey {
        id: text(pair, "access_key_id")?,
        secret: text(pair, "secret_access_key")?,
    };
    let reaches = reaches.collect::<Option<_>>()?;
    Some((text(pair, "holder")?, GrantedKey { key, reaches }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_stay_until_they_are_revoked() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("key-pairs.json");
        let reach = |bucket: &str| Reach {
            bucket: bucket.to_owned(),
            prefix: "ads/a/".to_owned(),
        };
        let pairs = KeyPairs::open(path.clone()).expect("none yet");
        let one = pairs.grant("a", vec![reach("ads")]).expect("made");
        let two = pairs.grant("b", Vec::new()).expect("made");
        assert_ne!((&one.id, &one.secret), (&two.id, &two.secret));
        assert_eq!((one.id.len(), one.secret.len()), (20, 40));
        let again = pairs.grant("a", vec![reach("other")]).expect("kept");
        assert_eq!((&again.id, &again.secret), (&one.id, &one.secret));
        let pairs = KeyPairs::open(path.clone()).expect("read");
        assert_eq!(pairs.secret(&one.id), Some(one.secret.clone()));
        assert_eq!(pairs.reaches(&one.id), Some(vec![reach("other")]));
        assert!(pairs.revoke("a").expect("revoked"));
        assert!(!pairs.revoke("a").expect("gone"));
        let pairs = KeyPairs::open(path.clone()).expect("read");
        assert_eq!(
            (pairs.secret(&one.id), pairs.reaches(&one.id)),
            (None, None)
        );
        assert_eq!(pairs.secret(&two.id), Some(two.secret));
        std::fs::write(&path, "[{}]").expect("written");
        assert!(KeyPairs::open(path).is_err(), "damage is no empty list");
    }
}
