//! Checks values and combinations of values that the types allow but that make no sense.

use std::{collections::BTreeMap, net::SocketAddr};

use vestibule_domain::project::Origin;

use crate::adapters::mailer::read_hello_name;

use super::{Config, ConfigProblem, Passwords, PoolerSetting, RateLimitsConfig, Server, SmsConfig, SmsProvider};

/// Reports the problems.
pub(super) fn check(config: &Config, sources: &BTreeMap<String, String>, problems: &mut Vec<ConfigProblem>) {
    let mut add_problem = |key: &str, message: &str| {
        problems.push(ConfigProblem {
            key: key.into(),
            source: sources.get(key).cloned().unwrap_or_else(|| "the defaults".into()),
            message: message.into(),
        });
    };
    check_store(config, &mut add_problem);
    check_server(&config.server, &mut add_problem);
    check_passwords(&config.passwords, &mut add_problem);
    if !config.metrics.listen.is_empty() && config.metrics.listen.parse::<SocketAddr>().is_err() {
        add_problem("metrics.listen", "write address:port, e.g. 127.0.0.1:9464, or nothing");
    }
    if config.keys.rotate_after_days == 1 {
        add_problem(
            "keys.rotate_after_days",
            "must be 0 (never) or at least 2: a new key is published a day before it signs",
        );
    }
    if config.smtp.from.parse::<lettre::message::Mailbox>().is_err() {
        add_problem("smtp.from", "write an address like \"Shop <no-reply@shop.example>\"");
    }
    if !config.smtp.hello_name.is_empty() && read_hello_name(&config.smtp.hello_name).is_none() {
        add_problem(
            "smtp.hello_name",
            "write a full host name such as \"auth.shop.example\", or an address such as \"[192.0.2.1]\"",
        );
    }
    if !(1..=60).contains(&config.providers.timeout_seconds) {
        add_problem("providers.timeout_seconds", "write 1 to 60 seconds");
    }
    for (key, place) in config.providers.places() {
        let parsed = url::Url::parse(place);
        if place.ends_with('/') || !parsed.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            add_problem(key, "write a URL without a last slash, such as \"https://accounts.google.com\"");
        }
    }
    if config.admin_api.requests_per_minute == 0 {
        add_problem("admin_api.requests_per_minute", "must be at least 1");
    }
    check_rate_limits(&config.rate_limits, &mut add_problem);
    if !config.portal.public_origin.is_empty()
        && let Err(refusal) = Origin::parse(&config.portal.public_origin)
    {
        add_problem("portal.public_origin", &refusal.to_string());
    }
    check_sms(&config.sms, &mut add_problem);
    if config.log.filter.parse::<tracing_subscriber::EnvFilter>().is_err() {
        add_problem("log.filter", "write a level (error, warn, info, debug, trace) or target=level pairs");
    }
}

fn check_store(config: &Config, add_problem: &mut impl FnMut(&str, &str)) {
    let url = &config.store.url;
    let postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
    if !postgres && url.strip_prefix("sqlite:").is_none_or(str::is_empty) {
        add_problem("store.url", "write sqlite:PATH or postgres://user:password@host:port/database");
    }
    let direct = &config.store.listen_url;
    if !direct.is_empty() && !(postgres && (direct.starts_with("postgres://") || direct.starts_with("postgresql://"))) {
        add_problem("store.listen_url", "write postgres://user:password@host:port/database; only with PostgreSQL");
    }
    if !postgres && config.store.pooler != PoolerSetting::None {
        add_problem("store.pooler", "must be none unless store.url is of PostgreSQL");
    }
    if postgres && config.secrets.master_key.is_empty() && config.secrets.master_key_file.is_empty() {
        add_problem(
            "secrets.master_key_file",
            "with PostgreSQL, name a key file (or set master_key): every node must have the same key",
        );
    }
    let key = &config.secrets.master_key;
    if !key.is_empty() && (key.len() != 64 || !key.bytes().all(|b| b.is_ascii_hexdigit())) {
        add_problem("secrets.master_key", "write 64 hexadecimal digits, e.g. from `openssl rand -hex 32`");
    }
    if config.store.max_connections == 0 {
        add_problem("store.max_connections", "must be at least 1");
    }
}

fn check_server(server: &Server, add_problem: &mut impl FnMut(&str, &str)) {
    if server.max_connections == 0 {
        add_problem("server.max_connections", "must be at least 1");
    }
    for (key, seconds) in [
        ("server.header_timeout_seconds", server.header_timeout_seconds),
        ("server.write_timeout_seconds", server.write_timeout_seconds),
        ("server.idle_timeout_seconds", server.idle_timeout_seconds),
        ("server.max_connection_age_seconds", server.max_connection_age_seconds),
    ] {
        if seconds == 0 {
            add_problem(key, "must be at least 1");
        }
    }
}

fn check_rate_limits(limits: &RateLimitsConfig, add_problem: &mut impl FnMut(&str, &str)) {
    for (key, count) in [
        ("token_requests_per_address", limits.token_requests_per_address),
        ("token_requests_per_user", limits.token_requests_per_user),
        ("token_requests_per_device_key", limits.token_requests_per_device_key),
        ("revocations_per_address", limits.revocations_per_address),
        ("codes_per_user", limits.codes_per_user),
        ("settings_actions_per_user", limits.settings_actions_per_user),
        ("tokens_per_application", limits.tokens_per_application),
        ("pushed_requests_per_address", limits.pushed_requests_per_address),
        ("device_codes_per_address", limits.device_codes_per_address),
        ("device_codes_per_project", limits.device_codes_per_project),
        ("device_token_requests_per_address", limits.device_token_requests_per_address),
        ("user_codes_per_address", limits.user_codes_per_address),
    ] {
        if count == 0 {
            add_problem(&format!("rate_limits.{key}"), "must be at least 1");
        }
    }
}

fn check_passwords(passwords: &Passwords, add_problem: &mut impl FnMut(&str, &str)) {
    if passwords.memory_kib < passwords.parallelism.max(1).saturating_mul(8) {
        add_problem("passwords.memory_kib", "must be at least 8 KiB per lane (RFC 9106)");
    }
    if passwords.iterations == 0 {
        add_problem("passwords.iterations", "must be at least 1");
    }
    if passwords.parallelism == 0 {
        add_problem("passwords.parallelism", "must be at least 1");
    }
    if passwords.parallelism > argon2::Params::MAX_P_COST {
        add_problem("passwords.parallelism", "must be below 16,777,216 (RFC 9106)");
    }
    if passwords.concurrent == 0 {
        add_problem("passwords.concurrent", "must be at least 1");
    }
}

fn check_sms(sms: &SmsConfig, add_problem: &mut impl FnMut(&str, &str)) {
    let is_http = |text: &str| url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    match sms.provider {
        SmsProvider::None => {}
        SmsProvider::Webhook => {
            if !is_http(&sms.webhook_url) {
                add_problem("sms.webhook_url", "write the http or https URL that text messages are sent to");
            }
            if sms.webhook_secret.len() < 16 {
                add_problem(
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
                add_problem(key, "Twilio needs it: see your account's console");
            }
            if !is_http(&sms.twilio_base_url) {
                add_problem("sms.twilio_base_url", "write an http or https URL");
            }
        }
    }
}
