//! TLS for ports that other machines reach: the certificate from files that something else renews.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate with its chain and its key, as PEM files. They are read again once they have changed, so that
/// a renewed certificate is served without a restart.
#[derive(Clone)]
pub struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
    current: Arc<Mutex<Current>>,
}

struct Current {
    config: Arc<ServerConfig>,
    changed_at: Changed,
}

/// When both files were changed last.
type Changed = [Option<SystemTime>; 2];

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    /// The file cannot be read, or holds no certificate.
    #[error("{0} holds no certificate that can be read: {1}")]
    Certificate(PathBuf, String),
    /// The file cannot be read, or holds no private key.
    #[error("{0} holds no private key that can be read: {1}")]
    Key(PathBuf, String),
    /// The key belongs to another certificate.
    #[error("the key does not fit the certificate: {0}")]
    NoFit(String),
}

impl std::fmt::Debug for TlsFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TlsFiles({})", self.certificate.display())
    }
}

impl TlsFiles {
    /// Reads both files.
    ///
    /// # Errors
    /// What is wrong with which.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsFault> {
        let changed_at = [certificate, key].map(changed);
        let config = config(certificate, key)?;
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            current: Arc::new(Mutex::new(Current { config, changed_at })),
        })
    }

    /// For one more connection. Files that cannot be used leave the certificate that was read last: both are
    /// not renewed in one moment.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let changed_at = [&self.certificate, &self.key].map(|path| changed(path));
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.changed_at != changed_at {
            current.changed_at = changed_at;
            match config(&self.certificate, &self.key) {
                Ok(config) => current.config = config,
                Err(error) => tracing::error!(%error, "the certificate is not renewed"),
            }
        }
        TlsAcceptor::from(current.config.clone())
    }
}

fn changed(path: &Path) -> Option<SystemTime> {
    path.metadata().ok()?.modified().ok()
}

fn config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsFault> {
    let broken = |error: &dyn std::fmt::Display| {
        TlsFault::Certificate(certificate.to_owned(), error.to_string())
    };
    let chain = CertificateDer::pem_file_iter(certificate).map_err(|error| broken(&error))?;
    let chain: Vec<_> = chain
        .collect::<Result<_, _>>()
        .map_err(|error| broken(&error))?;
    if chain.is_empty() {
        return Err(broken(&"there is none in it"));
    }
    let secret = PrivateKeyDer::from_pem_file(key);
    let secret = secret.map_err(|error| TlsFault::Key(key.to_owned(), error.to_string()))?;
    let config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .and_then(|it| it.with_no_client_auth().with_single_cert(chain, secret));
    let config = config.map_err(|error| TlsFault::NoFit(error.to_string()))?;
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    fn pair(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        let made = rcgen::generate_simple_self_signed(vec!["box.example".to_owned()]);
        let made = made.expect("a certificate");
        let key = write(
            folder,
            &format!("{name}.key"),
            &made.signing_key.serialize_pem(),
        );
        (write(folder, &format!("{name}.crt"), &made.cert.pem()), key)
    }

    #[test]
    fn files_that_are_no_certificate_or_do_not_fit_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, key) = pair(folder.path(), "one");
        let (_, another) = pair(folder.path(), "two");
        let empty = write(folder.path(), "empty", "");
        let cut = "-----BEGIN CERTIFICATE-----\nAAAA";
        let cut = write(folder.path(), "cut", cut);
        let told = |certificate: &Path, key: &Path| match TlsFiles::read(certificate, key) {
            Ok(_) => String::new(),
            Err(fault) => fault.to_string(),
        };
        assert_eq!(told(&one, &key), "");
        assert!(told(&one, &another).contains("does not fit"));
        for bad in [&empty, &cut, &key, &folder.path().join("none")] {
            assert!(
                told(bad, &key).contains("no certificate"),
                "{}",
                bad.display()
            );
            if *bad != key {
                assert!(
                    told(&one, bad).contains("no private key"),
                    "{}",
                    bad.display()
                );
            }
        }
    }

    #[test]
    fn a_renewed_certificate_is_taken_and_a_broken_one_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let (certificate, key) = pair(folder.path(), "one");
        let files = TlsFiles::read(&certificate, &key).expect("a pair");
        let config = |files: &TlsFiles| files.current.lock().expect("no panic").config.clone();
        let first = config(&files);
        std::fs::write(&certificate, "broken").expect("written");
        files.acceptor();
        assert!(Arc::ptr_eq(&first, &config(&files)));
        let (renewed, new_key) = pair(folder.path(), "two");
        std::fs::copy(new_key, &key).expect("copied");
        std::fs::copy(renewed, &certificate).expect("copied");
        files.acceptor();
        assert!(!Arc::ptr_eq(&first, &config(&files)));
    }
}
