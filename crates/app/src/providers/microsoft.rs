//! The issuers of Microsoft. Each tenant has one; a client that accepts many tenants gets metadata with a placeholder in its place,
//! and has to compare the issuer of an ID token with the tenant that the token names.

use serde_json::{Map, Value};
use vestibule_domain::project::is_tenant_id;

use super::ProviderError;

/// The tenant of personal accounts.
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
/// Stands for the tenant in the metadata of many tenants.
const PLACEHOLDER: &str = "{tenantid}";
/// Maximum bytes of an object's ID; Microsoft's are GUIDs.
const OBJECT_BYTES: usize = 64;

/// Whose accounts a provider accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tenants {
    authority: String,
    /// A tenant's ID or domain, or one of the words for many.
    tenant: String,
}

impl Tenants {
    pub(super) fn new(authority: &str, tenant: &str) -> Self {
        Self { authority: authority.to_string(), tenant: tenant.to_string() }
    }

    /// Where the metadata is, without the well-known path.
    pub(super) fn base(&self) -> String {
        self.issuer_of(&self.tenant)
    }

    fn issuer_of(&self, tenant: &str) -> String {
        format!("{}/{tenant}/v2.0", self.authority)
    }

    /// The tenant of an issuer at this authority.
    fn tenant_of<'a>(&self, issuer: &'a str) -> Option<&'a str> {
        let rest = issuer.strip_prefix(&self.authority)?.strip_prefix('/')?;
        rest.strip_suffix("/v2.0").filter(|tenant| is_tenant_id(tenant))
    }

    /// Whether the metadata of these tenants may name this issuer.
    pub(super) fn may_name(&self, issuer: &str) -> bool {
        match self.tenant.as_str() {
            "common" | "organizations" => issuer == self.issuer_of(PLACEHOLDER),
            "consumers" => issuer == self.issuer_of(CONSUMERS),
            tenant if is_tenant_id(tenant) => issuer == self.issuer_of(tenant),
            // A domain: its metadata says which tenant it is.
            _ => self.tenant_of(issuer).is_some(),
        }
    }

    /// Whether an authorization response may name this issuer, where the metadata names that one.
    pub(super) fn may_answer(&self, issuer: &str, metadata_issuer: &str) -> bool {
        self.tenant_of(issuer).is_some_and(|tenant| self.resolve(metadata_issuer, tenant).as_deref() == Some(issuer))
    }

    /// The issuer that ID tokens of users of a tenant have; `None` if the tenant is not accepted.
    fn resolve(&self, metadata_issuer: &str, tenant: &str) -> Option<String> {
        let is_accepted = is_tenant_id(tenant) && !(self.tenant == "organizations" && tenant == CONSUMERS);
        let issuer = self.issuer_of(tenant);
        let is_named = [issuer.as_str(), &self.issuer_of(PLACEHOLDER)].contains(&metadata_issuer);
        (is_accepted && is_named).then_some(issuer)
    }

    /// The issuer that an ID token with these claims must have. The key that signed it may be of one tenant only.
    ///
    /// # Errors
    /// When the tenant, or the key for it, is not accepted.
    pub(super) fn expect_issuer(
        &self,
        claims: &Map<String, Value>,
        metadata_issuer: &str,
        key_issuer: Option<&str>,
    ) -> Result<String, ProviderError> {
        let tenant = claims.get("tid").and_then(Value::as_str).unwrap_or_default();
        let issuer = self
            .resolve(metadata_issuer, tenant)
            .ok_or(ProviderError::Unproven("the ID token is of a tenant that is not accepted"))?;
        if key_issuer.is_some_and(|of_key| of_key != issuer && of_key != self.issuer_of(PLACEHOLDER)) {
            return Err(ProviderError::Unproven("the ID token is signed with a key of another tenant"));
        }
        Ok(issuer)
    }
}

/// The ID of the account: the tenant, and the user's object in it. `sub` is another one for each client.
///
/// # Errors
/// When the claims have none.
pub(super) fn read_subject(claims: &Map<String, Value>) -> Result<String, ProviderError> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let (tenant, object) = (text("tid"), text("oid"));
    let is_good = is_tenant_id(tenant)
        && (1..=OBJECT_BYTES).contains(&object.len())
        && object.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_good {
        Ok(format!("{tenant}/{object}"))
    } else {
        Err(ProviderError::Unproven("the ID token does not name the user's object"))
    }
}

/// Whether Microsoft says that the domain of the address has a verified owner; the claim has several forms.
pub(super) fn is_domain_verified(claims: &Map<String, Value>) -> bool {
    claims.get("xms_edov").is_some_and(|said| {
        *said == Value::Bool(true) || said.as_u64() == Some(1) || matches!(said.as_str(), Some("true" | "1"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const AUTHORITY: &str = "https://login.microsoftonline.com";
    const SHOP: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    const OTHER: &str = "11111111-86f1-41af-91ab-2d7cd011db47";

    fn issuer(tenant: &str) -> String {
        format!("{AUTHORITY}/{tenant}/v2.0")
    }

    #[test]
    fn metadata_names_the_issuer_of_its_own_tenant() {
        for (tenant, named, is_good) in [
            ("common", issuer(PLACEHOLDER), true),
            ("common", issuer(SHOP), false),
            ("organizations", issuer(PLACEHOLDER), true),
            ("consumers", issuer(CONSUMERS), true),
            ("consumers", issuer(PLACEHOLDER), false),
            (SHOP, issuer(SHOP), true),
            (SHOP, issuer(OTHER), false),
            (SHOP, issuer(PLACEHOLDER), false),
            ("shop.example", issuer(SHOP), true),
            ("shop.example", issuer("shop.example"), false),
            ("shop.example", format!("https://evil.example/{SHOP}/v2.0"), false),
            ("shop.example", format!("{AUTHORITY}.evil.example/{SHOP}/v2.0"), false),
        ] {
            assert_eq!(Tenants::new(AUTHORITY, tenant).may_name(&named), is_good, "{tenant} {named}");
        }
    }

    #[test]
    fn an_id_token_has_the_issuer_of_the_tenant_that_it_names() {
        let expect = |tenant: &str, named: &str, tid: Value, key: Option<&str>| {
            let claims = json!({ "tid": tid });
            let claims = claims.as_object().expect("an object");
            Tenants::new(AUTHORITY, tenant).expect_issuer(claims, &issuer(named), key.map(issuer).as_deref()).ok()
        };
        for (tenant, named, tid, key, is_good) in [
            ("common", PLACEHOLDER, SHOP, None, true),
            ("common", PLACEHOLDER, CONSUMERS, None, true),
            ("organizations", PLACEHOLDER, SHOP, Some(PLACEHOLDER), true),
            ("organizations", PLACEHOLDER, CONSUMERS, None, false),
            ("common", PLACEHOLDER, SHOP, Some(CONSUMERS), false),
            ("common", PLACEHOLDER, CONSUMERS, Some(CONSUMERS), true),
            (SHOP, SHOP, SHOP, Some(SHOP), true),
            (SHOP, SHOP, OTHER, None, false),
            ("shop.example", SHOP, SHOP, None, true),
            ("shop.example", SHOP, OTHER, None, false),
            ("common", PLACEHOLDER, "common", None, false),
            ("common", PLACEHOLDER, "a/../b", None, false),
        ] {
            let found = expect(tenant, named, json!(tid), key);
            assert_eq!(found, is_good.then(|| issuer(tid)), "{tenant} {named} {tid} {key:?}");
        }
        assert_eq!(expect("common", PLACEHOLDER, Value::Null, None), None);
    }

    #[test]
    fn an_answer_names_an_accepted_tenant() {
        let tenants = |tenant| Tenants::new(AUTHORITY, tenant);
        assert!(tenants("common").may_answer(&issuer(SHOP), &issuer(PLACEHOLDER)));
        assert!(tenants(SHOP).may_answer(&issuer(SHOP), &issuer(SHOP)));
        assert!(!tenants(SHOP).may_answer(&issuer(OTHER), &issuer(SHOP)));
        assert!(!tenants("common").may_answer("https://evil.example", &issuer(PLACEHOLDER)));
        assert!(!tenants("common").may_answer(&issuer(PLACEHOLDER), &issuer(PLACEHOLDER)));
    }

    #[test]
    fn an_account_is_an_object_of_a_tenant() {
        let read = |claims: Value| read_subject(claims.as_object().expect("an object")).ok();
        assert_eq!(read(json!({"tid": SHOP, "oid": "a-1", "sub": "x"})), Some(format!("{SHOP}/a-1")));
        for bad in [
            json!({"tid": SHOP, "sub": "x"}),
            json!({"tid": SHOP, "oid": ""}),
            json!({"tid": SHOP, "oid": "a/b"}),
            json!({"tid": SHOP, "oid": "a".repeat(65)}),
            json!({"tid": "shop", "oid": "a"}),
            json!({"oid": "a"}),
        ] {
            assert_eq!(read(bad.clone()), None, "{bad}");
        }
    }
}
