//! The embedded files of `assets/`, served under names that contain their hash.
//! In a debug build they are read from the `assets` folder of the sources.

use std::borrow::Cow;
use std::sync::LazyLock;

use data_encoding::HEXLOWER;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/assets/"]
struct Files;

/// An embedded file.
#[derive(Clone, Debug)]
pub struct Asset {
    pub bytes: Cow<'static, [u8]>,
    pub content_type: &'static str,
    /// The hash of the content, as in the file name; usable as an `ETag` (without its quotes).
    pub hash: String,
    /// Whether the requested name contained this hash, so that it may be cached forever.
    pub immutable: bool,
}

struct AssetEntry {
    name: String,
    stem: String,
    extension: String,
    hash: String,
    bytes: Cow<'static, [u8]>,
}

/// The embedded files by name.
static ENTRIES: LazyLock<Vec<AssetEntry>> = LazyLock::new(|| {
    Files::iter()
        .filter_map(|name| {
            let file = Files::get(&name)?;
            let (stem, extension) = name.rsplit_once('.')?;
            Some(AssetEntry {
                stem: stem.to_owned(),
                extension: extension.to_owned(),
                hash: HEXLOWER.encode(&file.metadata.sha256_hash()[..8]),
                bytes: file.data,
                name: name.into_owned(),
            })
        })
        .collect()
});

/// The file for a path below `/assets/`: `<name>.<hash>.<ext>`, or its plain name.
///
/// A name with another hash (a page rendered by an earlier release) gets the current file, which then must not be
/// cached.
pub fn asset(path: &str) -> Option<Asset> {
    let (rest, extension) = path.rsplit_once('.')?;
    let (stem, requested_hash) = match rest.rsplit_once('.') {
        Some((stem, hash)) => (stem, Some(hash)),
        None => (rest, None),
    };
    let entry = ENTRIES.iter().find(|entry| entry.stem == stem && entry.extension == extension)?;
    Some(Asset {
        bytes: entry.bytes.clone(),
        content_type: content_type(&entry.extension),
        hash: entry.hash.clone(),
        immutable: requested_hash == Some(entry.hash.as_str()),
    })
}

/// The URL of an embedded file, with its hash.
pub fn asset_href(name: &str) -> String {
    match ENTRIES.iter().find(|entry| entry.name == name) {
        Some(entry) => format!("/assets/{}.{}.{}", entry.stem, entry.hash, entry.extension),
        None => format!("/assets/{name}"),
    }
}

fn content_type(extension: &str) -> &'static str {
    match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hashed_address_leads_to_an_immutable_file() {
        let href = asset_href("vestibule.css");
        let found = asset(href.strip_prefix("/assets/").expect("an asset address")).expect("the style sheet");
        assert!(found.immutable);
        assert_eq!(found.content_type, "text/css; charset=utf-8");
        assert!(!found.bytes.is_empty());
    }

    #[test]
    fn an_old_or_missing_hash_gives_the_file_without_caching_it() {
        for name in ["vestibule.0000000000000000.css", "vestibule.css"] {
            assert!(!asset(name).expect("the style sheet").immutable, "{name}");
        }
        assert!(asset("../Cargo.toml").is_none());
        assert!(asset("nothing").is_none());
    }
}
