//! A settings document with every key, for the tests that compare schema and document.

use super::*;
use crate::retention::{ClassSettings, RetentionSettings};

/// A document with every key there is.
pub(super) fn full() -> ProjectSettings {
    let limit = LimitSetting { enabled: Some(true), period: Some("1h30m".parse().unwrap()), burst: Some(7) };
    let per_ip = PerIp { per_ip: limit.clone() };
    let per_key = limit.clone();
    let claim = ClaimVerification { enabled: Some(true), required: Some(false) };
    let text = |text: &str| Some(text.to_owned());
    let mut full = shop();
    full.project.name = text("Shop \"quoted\"\\ ü");
    full.authentication = AuthenticationSection {
        identities: Some(vec![IdentityType::LoginId, IdentityType::Anonymous, IdentityType::Passkey]),
        primary_authenticators: Some(vec![
            AuthenticatorKind::Password,
            AuthenticatorKind::OobOtpEmail,
            AuthenticatorKind::OobOtpSms,
            AuthenticatorKind::Passkey,
        ]),
        public_signup_disabled: Some(true),
        passkey_offer_enabled: Some(true),
        recovery_preselect_days: Some(14),
        retention_confirm_percent: Some(5),
        rate_limits: RateLimits {
            signup_anonymous: per_ip.clone(),
            signup: per_ip.clone(),
            account_enumeration: per_ip.clone(),
            password: PerIpAndUser { per_ip: limit.clone(), per_user: limit.clone() },
            oob_otp: CodeLimits {
                trigger_per_ip: limit.clone(),
                trigger_per_user: limit.clone(),
                validate_per_ip: limit.clone(),
                validate_per_user: limit,
            },
            passkey: per_ip,
            device_key: PerIpAndKey { per_ip: per_key.clone(), per_key: per_key.clone() },
            sms: PerProject { per_project: per_key },
        },
    };
    full.sms = SmsSection { allowed_countries: Some(vec!["DE".into(), "*".into()]) };
    full.identity = IdentitySection {
        login_id: LoginIdSettings {
            default_country: text("DE"),
            keys: Some(LoginIdKind::ALL.into_iter().map(|kind| LoginIdKey { kind }).collect()),
        },
        oauth: IdentityOAuth { providers: providers::full() },
        on_conflict: OnConflict {
            promotion: Some(PromotionConflict::Login),
            oauth: Some(ExternalConflict::LoginAndLink),
        },
        merge: MergeSettings {
            attributes: vec![MergeRule { key: "custom_attributes.likes".into(), rule: AttributeRule::Unite }],
            handshake: Some(true),
            answer_seconds: Some(3_600),
            on_timeout: Some(MergeTimeout::Settle),
            undo_seconds: Some(86_400),
        },
    };
    full.verification = Verification { claims: VerificationClaims { email: claim.clone(), phone_number: claim } };
    full.password_policy =
        PasswordSettings { min_length: Some(12), min_strength: Some(3), refuse_breached: Some(false) };
    full.session = SessionSettings {
        lifetime_seconds: Some(1_000),
        idle_timeout_enabled: Some(true),
        idle_timeout_seconds: Some(100),
        use_session_cookie: Some(true),
    };
    full.http = Http {
        allowed_origins: Some(vec!["*.shop.example".into()]),
        cookie_domain: text("shop.example"),
        cookie_prefix: text("shop_"),
    };
    full.ui = UiSection {
        name: text("Shop"),
        logo_uri: text("https://shop.example/logo.svg"),
        accent_color: text("#0f766e"),
        color_scheme: Some(ColorSchemeSetting::Dark),
        languages: Some(vec!["de".into(), "en".into()]),
        fallback_language: text("de"),
        default_client_uri: text("https://shop.example/"),
    };
    full.mail = MailSection {
        from: text("Shop <no-reply@shop.example>"),
        reply_to: text("help@shop.example"),
        texts: Box::new(mail_texts::full()),
    };
    full.oauth.clients = vec![Client {
        client_id: "shop-web".into(),
        name: text("Shop"),
        x_application_type: crate::client::ApplicationType::Confidential,
        redirect_uris: vec!["https://shop.example/back".into(), "com.shop.app://back".into()],
        post_logout_redirect_uris: vec!["https://shop.example/".into()],
        client_uri: text("https://shop.example/"),
        access_token_lifetime_seconds: Some(600),
        refresh_token_lifetime_seconds: Some(6_000),
        refresh_token_idle_timeout_enabled: Some(true),
        refresh_token_idle_timeout_seconds: Some(60),
        refresh_token_rotation_enabled: Some(true),
        refresh_token_rotation_grace_seconds: Some(5),
        x_max_concurrent_session: Some(1),
        x_dpop_disabled: Some(true),
        issue_jwt_access_token: Some(true),
        device_authorization_enabled: Some(true),
        previous_subs_enabled: Some(true),
        require_pushed_authorization_requests: Some(true),
        access_token_signed_response_alg: Some(crate::client::TokenSigningAlgorithm::Es256),
        id_token_signed_response_alg: Some(crate::client::TokenSigningAlgorithm::Es256),
        anonymous_access_token_lifetime_seconds: Some(300),
        anonymous_refresh_token_lifetime_seconds: Some(3_000),
        anonymous_refresh_token_idle_timeout_seconds: Some(30),
        anonymous_scopes: Some(vec!["openid".into()]),
        guest_creation: Some(crate::client::GuestCreation::Lazy),
        guest_stored_on_use: Some(true),
        guest_retention: retention(),
        resources: vec!["urn:stock read".into()],
        jwks: None,
        jwks_uri: text("https://shop.example/jwks"),
        backchannel_logout_uri: text("https://shop.example/logout"),
        backchannel_logout_session_required: Some(false),
    }];
    let key = r#""kty":"EC","crv":"P-256","x":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE","y":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE""#;
    full.oauth.clients.push(Client {
        client_id: "nightly".into(),
        x_application_type: crate::client::ApplicationType::M2m,
        jwks: Some(format!(r#"{{"keys":[{{{key}}}]}}"#)),
        ..Client::default()
    });
    full.hook = Hook {
        blocking_handlers: vec![BlockingHandler {
            event: "user.pre_create".into(),
            url: "https://shop.example/ask".into(),
        }],
        non_blocking_handlers: vec![NonBlockingHandler {
            events: Some(vec!["user.created".into()]),
            url: "https://shop.example/tell".into(),
        }],
        sync_hook_timeout_seconds: Some(3),
        sync_hook_total_timeout_seconds: Some(6),
        delivery_timeout_seconds: Some(20),
    };
    full
}

/// Every key of the retention of guests.
fn retention() -> RetentionSettings {
    let class = |ends_with_session| ClassSettings {
        idle_seconds: Some(864_000),
        ends_with_session,
        warning_seconds: Some(86_400),
        grace_seconds: Some(3_600),
    };
    RetentionSettings { without_key: class(Some(true)), with_key: class(None), with_attributes: class(None) }
}
