//! A JWK set of another party (RFC 7517 §5).

use serde_json::Value;

use super::{Header, Jwk, JwkError};
use crate::{json, limits::KEY_SET_ITEMS};

/// The keys of a set that can verify signatures here. Keys of other types and for other uses are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySet(Vec<Jwk>);

impl KeySet {
    /// Parses a set.
    ///
    /// # Errors
    /// [`JwkError::Malformed`] unless it is a set of at most [`KEY_SET_ITEMS`] keys; [`JwkError::Private`] if it discloses one; if no
    /// key can be used, the reason of the first.
    pub fn parse(text: &[u8]) -> Result<Self, JwkError> {
        let object = json::parse_object(text).ok_or(JwkError::Malformed)?;
        let keys = object.get("keys").and_then(Value::as_array).ok_or(JwkError::Malformed)?;
        if keys.len() > KEY_SET_ITEMS {
            return Err(JwkError::Malformed);
        }
        let (mut good, mut first_problem) = (Vec::new(), None);
        for key in keys {
            match Jwk::from_value(key) {
                Ok(key) => good.push(key),
                Err(JwkError::Private) => return Err(JwkError::Private),
                Err(problem) => first_problem = first_problem.or(Some(problem)),
            }
        }
        if good.is_empty() { Err(first_problem.unwrap_or(JwkError::Malformed)) } else { Ok(Self(good)) }
    }

    /// The keys that may have made a signature with this header: of its algorithm, and with its ID if it names one.
    pub fn candidates<'a>(&'a self, header: &'a Header) -> impl Iterator<Item = &'a Jwk> {
        self.0.iter().filter(|key| {
            key.alg() == header.alg && header.kid.as_deref().is_none_or(|kid| key.kid().is_none_or(|own| own == kid))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::Alg;

    fn key(kid: Option<&str>) -> Value {
        let jwk = Jwk::ec_p256(&[1; 32], &[2; 32]).unwrap();
        let jwk = kid.map_or(jwk.clone(), |kid| jwk.with_kid(kid));
        serde_json::from_str(&jwk.to_json()).unwrap()
    }

    fn parse(set: &Value) -> Result<KeySet, JwkError> {
        KeySet::parse(set.to_string().as_bytes())
    }

    #[test]
    fn other_keys_are_left_out_and_private_ones_refused() {
        let other = json!({"kty": "OKP", "crv": "Ed25519", "x": "AQ"});
        assert_eq!(parse(&json!({"keys": [other, key(None)]})).map(|set| set.0.len()), Ok(1));
        assert_eq!(parse(&json!({"keys": [other]})), Err(JwkError::Kind));
        let mut private = key(None);
        private["d"] = json!("AQ");
        assert_eq!(parse(&json!({"keys": [key(None), private]})), Err(JwkError::Private));
        for malformed in [json!({"keys": []}), json!({}), json!([]), json!({"keys": vec![key(None); 33]})] {
            assert_eq!(parse(&malformed), Err(JwkError::Malformed), "{malformed}");
        }
        assert_eq!(KeySet::parse(b"{"), Err(JwkError::Malformed));
    }

    #[test]
    fn a_header_selects_by_id_and_algorithm() {
        let set = parse(&json!({"keys": [key(Some("a")), key(Some("b")), key(None)]})).unwrap();
        let count = |alg: Alg, kid: Option<&str>| {
            let header = Header { alg, typ: None, kid: kid.map(str::to_owned), jwk: None };
            set.candidates(&header).count()
        };
        assert_eq!(count(Alg::Es256, None), 3);
        assert_eq!(count(Alg::Es256, Some("a")), 2);
        assert_eq!(count(Alg::Es256, Some("z")), 1);
        assert_eq!(count(Alg::Rs256, None), 0);
    }
}
