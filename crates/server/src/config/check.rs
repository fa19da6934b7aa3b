//! Checks values and combinations of values that the types allow but that make no sense.

use std::{collections::BTreeMap, net::SocketAddr};

use vestibule_domain::project::Origin;

use super::{Complaint, Config, Pooler, SmsConfig, SmsProvider};

/// Reports the problems.
pub(super) fn check(config: &Config, sources: &BTreeMap<String, String>, complaints: &mut Vec<Complaint>) {
    let mut complain = |key: &str, message: &str| {
        complaints.push(Complaint {
            key: key.into(),
            source: sources.get(key).cloned().unwrap_or_else(|| "the defaults".into()),
            message: message.into(),
        });
    };
    let url = &config.store.url;
    let postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
    if !postgres && url.strip_prefix("sqlite:").is_none_or(str::is_empty) {
        complain("store.url", "write sqlite:PATH or postgres://user:password@host:port/database");
    }
    let direct = &config.store.listen_url;
    if !direct.is_empty() && !(postgres && (direct.starts_with("postgres://") || direct.starts_with("postgresql://"))) {
        complain("store.listen_url", "write postgres://user:password@host:port/database; only with PostgreSQL");
    }
    if !postgres && config.store.pooler != Pooler::None {
        complain("store.pooler", "must be none unless store.url is of PostgreSQL");
    }
    if postgres && config.secrets.master_key.is_empty() && config.secrets.master_key_file.is_empty() {
        complain(
            "secrets.master_key_file",
            "with PostgreSQL, name a key file (or set master_key): every node must have the same key",
        );
    }
    let key = &config.secrets.master_key;
    if !key.is_empty() && (key.len() != 64 || !key.bytes().all(|b| b.is_ascii_hexdigit())) {
        complain("secrets.master_key", "write 64 hexadecimal digits, e.g. from `openssl rand -hex 32`");
    }
    if config.store.max_connections == 0 {
        complain("store.max_connections", "must be at least 1");
    }
    if !config.metrics.listen.is_empty() && config.metrics.listen.parse::<SocketAddr>().is_err() {
        complain("metrics.listen", "write address:port, e.g. 127.0.0.1:9464, or nothing");
    }
    if config.keys.rotate_after_days == 1 {
        complain(
            "keys.rotate_after_days",
            "must be 0 (never) or at least 2: a new key is published a day before it signs",
        );
    }
    if config.server.max_connections == 0 {
        complain("server.max_connections", "must be at least 1");
    }
    for (key, seconds) in [
        ("server.header_timeout_seconds", config.server.header_timeout_seconds),
        ("server.write_timeout_seconds", config.server.write_timeout_seconds),
        ("server.idle_timeout_seconds", config.server.idle_timeout_seconds),
        ("server.max_connection_age_seconds", config.server.max_connection_age_seconds),
    ] {
        if seconds == 0 {
            complain(key, "must be at least 1");
        }
    }
    let passwords = &config.passwords;
    if passwords.memory_kib < passwords.parallelism.max(1).saturating_mul(8) {
        complain("passwords.memory_kib", "must be at least 8 KiB per lane (RFC 9106)");
    }
    if passwords.iterations == 0 {
        complain("passwords.iterations", "must be at least 1");
    }
    if passwords.parallelism == 0 {
        complain("passwords.parallelism", "must be at least 1");
    }
    if passwords.parallelism > argon2::Params::MAX_P_COST {
        complain("passwords.parallelism", "must be below 16,777,216 (RFC 9106)");
    }
    if passwords.concurrent == 0 {
        complain("passwords.concurrent", "must be at least 1");
    }
    if config.smtp.from.parse::<lettre::message::Mailbox>().is_err() {
        complain("smtp.from", "write an address like \"Shop <no-reply@shop.example>\"");
    }
    if config.admin_api.requests_per_minute == 0 {
        complain("admin_api.requests_per_minute", "must be at least 1");
    }
    if !config.portal.public_origin.is_empty()
        && let Err(refusal) = Origin::parse(&config.portal.public_origin)
    {
        complain("portal.public_origin", &refusal.to_string());
    }
    check_sms(&config.sms, &mut complain);
    if config.log.filter.parse::<tracing_subscriber::EnvFilter>().is_err() {
        complain("log.filter", "write a level (error, warn, info, debug, trace) or target=level pairs");
    }
}

fn check_sms(sms: &SmsConfig, complain: &mut impl FnMut(&str, &str)) {
    let is_http = |text: &str| url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    match sms.provider {
        SmsProvider::None => {}
        SmsProvider::Webhook => {
            if !is_http(&sms.webhook_url) {
                complain("sms.webhook_url", "write the http or https URL that text messages are sent to");
            }
            if sms.webhook_secret.len() < 16 {
                complain(
                    "sms.webhook_secret",
                    "write at least 16 characters: anyone who knows the secret can send messages",
                );
            }
        }
        SmsProvider::Twilio => {
            let needed = [
                ("sms.twilio_account_sid", &sms.twilio_account_sid),
                ("sms.twilio_auth_token", &sms.twilio_auth_token),
                ("sms.twilio_from", &sms.twilio_from),
            ];
            for (key, _) in needed.iter().filter(|(_, value)| value.is_empty()) {
                complain(key, "Twilio needs it: see your account's console");
            }
            if !is_http(&sms.twilio_base_url) {
                complain("sms.twilio_base_url", "write an http or https URL");
            }
        }
    }
}
