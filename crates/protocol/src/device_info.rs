//! `x_device_info`: a device's description of itself, reduced to a display name for a session.
//! Untrusted text: cleaned and shortened here, and used for display only.

use serde_json::{Map, Value};
use thiserror::Error;

use crate::jose::decode_base64url;
use crate::json;
use crate::limits::DEVICE_INFO_BYTES;
use crate::text::is_mark;

/// Maximum length of a name, in characters.
const MAX_NAME_CHARS: usize = 80;

/// Why the parameter was rejected; the text is the `error_description` of an `invalid_request`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DeviceInfoError {
    /// Longer than the limit.
    #[error("invalid device info: too long")]
    TooLong,
    /// Not base64url without padding.
    #[error("invalid device info: not base64url without padding")]
    Base64,
    /// Not a JSON object.
    #[error("invalid device info: not a JSON object")]
    Json,
    /// It does not name the device.
    #[error("invalid device info: neither android.Build.MANUFACTURER and MODEL nor ios.uname.machine")]
    Model,
}

/// The operating system of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Platform {
    /// Android.
    Android,
    /// iOS, iPadOS, or one of their apps on a Mac.
    Ios,
}

/// The stored part of a device's description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// The operating system.
    pub platform: Platform,
    /// The model, such as `Google Pixel 8` or `iPhone 15 Pro`.
    pub model: String,
    /// The name its owner gave the device.
    pub device_name: Option<String>,
    /// The name of the app.
    pub application_name: Option<String>,
    /// The app's bundle or package ID.
    pub application_id: Option<String>,
}

impl DeviceInfo {
    /// Parses the parameter.
    ///
    /// # Errors
    /// [`DeviceInfoError`].
    pub fn parse(parameter: &str) -> Result<Self, DeviceInfoError> {
        if parameter.len() > DEVICE_INFO_BYTES {
            return Err(DeviceInfoError::TooLong);
        }
        let bytes = decode_base64url(parameter).ok_or(DeviceInfoError::Base64)?;
        let object = json::parse_object(&bytes).ok_or(DeviceInfoError::Json)?;
        read_android(&object).or_else(|| read_ios(&object)).ok_or(DeviceInfoError::Model)
    }

    /// The display name of a session on this device.
    pub fn display_name(&self) -> &str {
        &self.model
    }
}

fn read_android(object: &Map<String, Value>) -> Option<DeviceInfo> {
    let android = object.get("android")?;
    let manufacturer = read_name(android, &["Build", "MANUFACTURER"])?;
    let model = read_name(android, &["Build", "MODEL"])?;
    let named_already = model.get(..manufacturer.len()).is_some_and(|start| start.eq_ignore_ascii_case(&manufacturer));
    Some(DeviceInfo {
        platform: Platform::Android,
        model: if named_already { model } else { format!("{manufacturer} {model}") },
        device_name: read_name(android, &["Settings", "Global", "DEVICE_NAME"])
            .or_else(|| read_name(android, &["Settings", "Secure", "bluetooth_name"])),
        application_name: read_name(android, &["ApplicationInfoLabel"]),
        application_id: read_name(android, &["PackageInfo", "packageName"]),
    })
}

fn read_ios(object: &Map<String, Value>) -> Option<DeviceInfo> {
    let ios = object.get("ios")?;
    let machine = read_name(ios, &["uname", "machine"])?;
    let on_mac = ["isiOSAppOnMac", "isMacCatalystApp"]
        .iter()
        .any(|name| ios.get("NSProcessInfo").and_then(|info| info.get(name)) == Some(&Value::Bool(true)));
    let model = match machine.as_str() {
        _ if on_mac => "Mac".to_owned(),
        // A simulator reports the processor of its Mac.
        "arm64" | "x86_64" => "iOS Simulator".to_owned(),
        known => find_apple_model(known).map_or_else(|| machine.clone(), str::to_owned),
    };
    Some(DeviceInfo {
        platform: Platform::Ios,
        model,
        // Since iOS 16 `UIDevice.name` is the generic model name for most apps; the node name is still the owner's.
        device_name: read_name(ios, &["uname", "nodename"]).or_else(|| read_name(ios, &["UIDevice", "name"])),
        application_name: read_name(ios, &["NSBundle", "CFBundleDisplayName"])
            .or_else(|| read_name(ios, &["NSBundle", "CFBundleName"])),
        application_id: read_name(ios, &["NSBundle", "CFBundleIdentifier"]),
    })
}

/// The text at a path, without marks that have no place in a name, shortened; `None` if there is no text.
fn read_name(value: &Value, path: &[&str]) -> Option<String> {
    let text = path.iter().try_fold(value, |value, name| value.get(name))?.as_str()?;
    let clean: String = text.chars().filter(|c| !is_mark(*c)).take(MAX_NAME_CHARS).collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

/// The marketing name of an Apple hardware identifier; `None` for newer ones, which are displayed unchanged.
fn find_apple_model(machine: &str) -> Option<&'static str> {
    Some(match machine {
        "iPhone10,1" | "iPhone10,4" => "iPhone 8",
        "iPhone10,2" | "iPhone10,5" => "iPhone 8 Plus",
        "iPhone10,3" | "iPhone10,6" => "iPhone X",
        "iPhone11,2" => "iPhone XS",
        "iPhone11,4" | "iPhone11,6" => "iPhone XS Max",
        "iPhone11,8" => "iPhone XR",
        "iPhone12,1" => "iPhone 11",
        "iPhone12,3" => "iPhone 11 Pro",
        "iPhone12,5" => "iPhone 11 Pro Max",
        "iPhone12,8" => "iPhone SE (2nd generation)",
        "iPhone13,1" => "iPhone 12 mini",
        "iPhone13,2" => "iPhone 12",
        "iPhone13,3" => "iPhone 12 Pro",
        "iPhone13,4" => "iPhone 12 Pro Max",
        "iPhone14,2" => "iPhone 13 Pro",
        "iPhone14,3" => "iPhone 13 Pro Max",
        "iPhone14,4" => "iPhone 13 mini",
        "iPhone14,5" => "iPhone 13",
        "iPhone14,6" => "iPhone SE (3rd generation)",
        "iPhone14,7" => "iPhone 14",
        "iPhone14,8" => "iPhone 14 Plus",
        "iPhone15,2" => "iPhone 14 Pro",
        "iPhone15,3" => "iPhone 14 Pro Max",
        "iPhone15,4" => "iPhone 15",
        "iPhone15,5" => "iPhone 15 Plus",
        "iPhone16,1" => "iPhone 15 Pro",
        "iPhone16,2" => "iPhone 15 Pro Max",
        "iPhone17,1" => "iPhone 16 Pro",
        "iPhone17,2" => "iPhone 16 Pro Max",
        "iPhone17,3" => "iPhone 16",
        "iPhone17,4" => "iPhone 16 Plus",
        "iPhone17,5" => "iPhone 16e",
        "iPad11,1" | "iPad11,2" => "iPad mini (5th generation)",
        "iPad11,3" | "iPad11,4" => "iPad Air (3rd generation)",
        "iPad11,6" | "iPad11,7" => "iPad (8th generation)",
        "iPad12,1" | "iPad12,2" => "iPad (9th generation)",
        "iPad13,1" | "iPad13,2" => "iPad Air (4th generation)",
        "iPad13,16" | "iPad13,17" => "iPad Air (5th generation)",
        "iPad13,18" | "iPad13,19" => "iPad (10th generation)",
        "iPad14,1" | "iPad14,2" => "iPad mini (6th generation)",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::jose::encode_base64url;

    fn parse(json: &Value) -> Result<DeviceInfo, DeviceInfoError> {
        DeviceInfo::parse(&encode_base64url(json.to_string()))
    }

    fn model_of(json: &Value) -> String {
        parse(json).unwrap().display_name().to_owned()
    }

    #[test]
    fn an_android_device_is_named_by_maker_and_model() {
        let info = parse(&json!({"android": {
            "Build": {"MANUFACTURER": "Google", "MODEL": "Pixel 8", "BRAND": "google"},
            "Settings": {"Global": {"DEVICE_NAME": "Kim's phone"}},
            "PackageInfo": {"packageName": "com.shop.app"},
            "ApplicationInfoLabel": "Shop"
        }}))
        .unwrap();
        assert_eq!(info.display_name(), "Google Pixel 8");
        assert_eq!(info.platform, Platform::Android);
        assert_eq!(info.device_name.as_deref(), Some("Kim's phone"));
        assert_eq!(info.application_name.as_deref(), Some("Shop"));
        assert_eq!(info.application_id.as_deref(), Some("com.shop.app"));
        let build = |maker: &str, model: &str| json!({"android": {"Build": {"MANUFACTURER": maker, "MODEL": model}}});
        assert_eq!(model_of(&build("HUAWEI", "Huawei P30")), "Huawei P30");
        assert_eq!(model_of(&build("é", "a")), "é a");
    }

    #[test]
    fn an_apple_device_is_named_by_its_marketing_name() {
        let machine = |machine: &str| json!({"ios": {"uname": {"machine": machine}}});
        assert_eq!(model_of(&machine("iPhone16,1")), "iPhone 15 Pro");
        assert_eq!(model_of(&machine("iPhone99,1")), "iPhone99,1");
        assert_eq!(model_of(&machine("arm64")), "iOS Simulator");
        let info = parse(&json!({"ios": {
            "uname": {"machine": "arm64", "nodename": "kims-mac"},
            "UIDevice": {"name": "iPad"},
            "NSProcessInfo": {"isiOSAppOnMac": true, "isMacCatalystApp": false},
            "NSBundle": {"CFBundleName": "shop", "CFBundleIdentifier": "com.shop.app"}
        }}))
        .unwrap();
        assert_eq!(info.display_name(), "Mac");
        assert_eq!(info.device_name.as_deref(), Some("kims-mac"));
        assert_eq!(info.application_name.as_deref(), Some("shop"));
    }

    #[test]
    fn what_does_not_name_a_device_is_refused() {
        for json in [
            json!({}),
            json!({"android": {"Build": {"MODEL": "Pixel 8"}}}),
            json!({"android": {"Build": {"MANUFACTURER": "", "MODEL": "Pixel 8"}}}),
            json!({"android": "x"}),
            json!({"ios": {"uname": {"machine": 1}}}),
            json!({"ios": {"UIDevice": {"name": "iPhone"}}}),
        ] {
            assert_eq!(parse(&json), Err(DeviceInfoError::Model), "{json}");
        }
        assert_eq!(parse(&json!([])), Err(DeviceInfoError::Json));
        assert_eq!(DeviceInfo::parse("e30="), Err(DeviceInfoError::Base64));
        assert_eq!(DeviceInfo::parse(&"A".repeat(DEVICE_INFO_BYTES + 1)), Err(DeviceInfoError::TooLong));
        for error in [DeviceInfoError::TooLong, DeviceInfoError::Base64, DeviceInfoError::Json, DeviceInfoError::Model]
        {
            assert!(error.to_string().starts_with("invalid device info: "));
        }
    }

    #[test]
    fn names_are_cleaned_and_shortened() {
        let long = format!("\u{0}Pixel\n{}", "8".repeat(200));
        let info = parse(&json!({"android": {"Build": {"MANUFACTURER": " G\u{7} ", "MODEL": long}}})).unwrap();
        assert_eq!(info.model, format!("G Pixel{}", "8".repeat(MAX_NAME_CHARS - 5)));
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in ".{0,60}", maker in ".{0,6}", model in ".{0,6}") {
            let _ = DeviceInfo::parse(&text);
            let _ = parse(&json!({"android": {"Build": {"MANUFACTURER": maker, "MODEL": model}}}));
        }
    }
}
