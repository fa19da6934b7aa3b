//! Parses the URL of PostgreSQL and prepares TLS. Uses rustls and the file of certificate authorities, no SQL.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{StoreError, error::describe};

/// The connection's parameters, and its TLS configuration if it uses TLS.
pub(super) struct TlsTarget {
    pub(super) config: tokio_postgres::Config,
    pub(super) tls: Option<MakeRustlsConnect>,
}

/// Parses a connection URL.
///
/// libpq has modes that encrypt without verifying the certificate, which do not stop an attacker. Here a connection is
/// either verified or plain, so `require`, `verify-ca` and `verify-full` mean the same.
pub(super) fn read_url(url: &str) -> Result<TlsTarget, StoreError> {
    let (rest, mode, authorities) = split_off_tls(url);
    let mut config: tokio_postgres::Config =
        rest.parse().map_err(|error: tokio_postgres::Error| StoreError::BadUrl(describe(&error)))?;
    let verified = match mode.as_deref() {
        // The driver parses the key-value form and knows `require`.
        None => config.get_ssl_mode() == SslMode::Require,
        Some("require" | "verify-ca" | "verify-full") => true,
        Some("disable" | "allow" | "prefer") => false,
        Some(other) => return Err(StoreError::BadUrl(format!("sslmode {other} is not known"))),
    };
    config.ssl_mode(if verified { SslMode::Require } else { SslMode::Disable });
    let tls = if verified { Some(prepare_tls(authorities.as_deref())?) } else { None };
    Ok(TlsTarget { config, tls })
}

/// Removes `sslmode` and `sslrootcert` from a URL: the driver does not know all their values.
fn split_off_tls(url: &str) -> (String, Option<String>, Option<String>) {
    let (mut mode, mut authorities) = (None, None);
    let is_url = url.starts_with("postgres://") || url.starts_with("postgresql://");
    let Some((base, query)) = url.split_once('?').filter(|_| is_url) else {
        return (url.to_owned(), None, None);
    };
    let mut kept = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "sslmode" => mode = Some(value.into_owned()),
            "sslrootcert" => authorities = Some(value.into_owned()),
            _ => {
                kept.append_pair(&key, &value);
            }
        }
    }
    // The driver decodes percent-encoding but keeps a plus sign.
    let kept = kept.finish().replace('+', "%20");
    (if kept.is_empty() { base.to_owned() } else { format!("{base}?{kept}") }, mode, authorities)
}

fn prepare_tls(authorities: Option<&str>) -> Result<MakeRustlsConnect, StoreError> {
    let mut roots = RootCertStore::empty();
    match authorities {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let fail = |reason: String| StoreError::BadUrl(format!("sslrootcert {path} cannot be used: {reason}"));
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| fail(error.to_string()))? {
                let certificate = certificate.map_err(|error| fail(error.to_string()))?;
                roots.add(certificate).map_err(|error| fail(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(fail("it holds no certificate".to_owned()));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::BadUrl(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> (SslMode, bool) {
        let target = read_url(url).unwrap();
        (target.config.get_ssl_mode(), target.tls.is_some())
    }

    #[test]
    fn a_connection_is_either_verified_or_plain() {
        assert_eq!(read("postgres://u:p@db/v"), (SslMode::Disable, false));
        assert_eq!(read("postgres://u:p@db/v?sslmode=prefer"), (SslMode::Disable, false));
        assert_eq!(read("postgres://u:p@db/v?sslmode=require"), (SslMode::Require, true));
        assert_eq!(read("postgresql://u:p@db/v?sslmode=verify-full"), (SslMode::Require, true));
        assert_eq!(read("host=db user=u sslmode=require"), (SslMode::Require, true));
    }

    #[test]
    fn the_rest_of_the_query_reaches_the_driver() {
        let target = read_url("postgres://u@db/v?sslmode=disable&application_name=two+words%2Bplus").unwrap();
        assert_eq!(target.config.get_application_name(), Some("two words+plus"));
    }

    #[test]
    fn a_url_that_makes_no_sense_is_refused_without_its_password() {
        for url in ["postgres://u:hunter2@db/v?sslmode=maybe", "postgres://u:hunter2@db:nope/v", "mysql://u:hunter2@db"]
        {
            let error = read_url(url).err().unwrap().to_string();
            assert!(error.contains("not valid") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn authorities_that_cannot_be_read_are_named() {
        let error = read_url("postgres://u@db/v?sslmode=require&sslrootcert=/nowhere/ca.pem").err().unwrap();
        assert!(error.to_string().contains("/nowhere/ca.pem"));
    }
}
