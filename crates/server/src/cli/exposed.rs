//! Finds files with secrets, and the folder of the data, that other users of this machine can reach.

use std::path::Path;

use toml::{Table, Value};
use vestibule_app::{config::Config, files, open};

/// Configuration keys whose values are secrets.
const SECRETS: [(&str, &str); 4] =
    [("secrets", "master_key"), ("smtp", "password"), ("sms", "webhook_secret"), ("sms", "twilio_auth_token")];

/// A warning for each such file that is too permissive.
pub(super) fn list(file: Option<&Path>, config: &Config) -> Vec<String> {
    let key = open::master_key_file(config);
    let key = key.as_deref().and_then(|path| warn(path, "the master key", "600"));
    let settings = file.filter(|path| holds_secrets(path)).and_then(|path| warn(path, "secrets", "640"));
    let store = open::store_file(config);
    let folder = store.as_deref().and_then(warn_of_folder);
    let store = store.as_deref().and_then(|path| warn(path, "the users' data", "600"));
    key.into_iter().chain(settings).chain(folder).chain(store).collect()
}

fn warn_of_folder(store: &Path) -> Option<String> {
    let folder = std::path::absolute(store).ok()?.parent()?.to_path_buf();
    let mode = files::shared_mode(&folder)?;
    let folder = folder.display();
    Some(format!(
        "other users of this machine can open the data folder {folder} (mode {mode:03o}), with what is created in it: chmod 700 {folder}"
    ))
}

fn warn(path: &Path, what: &str, right: &str) -> Option<String> {
    let mode = files::exposed_mode(path)?;
    let path = path.display();
    Some(format!(
        "{path} contains {what}, and other users of this machine can read or change it (mode {mode:03o}): chmod {right} {path}"
    ))
}

fn holds_secrets(file: &Path) -> bool {
    let Some(table) = std::fs::read_to_string(file).ok().and_then(|text| text.parse::<Table>().ok()) else {
        return false;
    };
    let text = |section: &str, key: &str| table.get(section)?.get(key).and_then(Value::as_str);
    let has_password = |url: &str| url::Url::parse(url).is_ok_and(|url| url.password().is_some());
    SECRETS.iter().any(|(section, key)| text(section, key).is_some_and(|value| !value.is_empty()))
        || ["url", "listen_url"].iter().any(|key| text("store", key).is_some_and(has_password))
}
