//! Fuzzes the reader of logos: no panic, within its limits, never more than was given, and what it serves is read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vestibule_domain::logo::{ImageFormat, LogoImage, MAX_SIDE};

fuzz_target!(|data: &[u8]| {
    let Ok(logo) = LogoImage::parse(data) else { return };
    assert!((1..=MAX_SIDE).contains(&logo.width) && (1..=MAX_SIDE).contains(&logo.height), "a size that browsers show");
    assert!(logo.bytes.len() <= data.len() + 1, "only a byte that fills up the last chunk is added");
    assert!(LogoImage::parse(&logo.bytes).as_ref() == Ok(&logo), "what is served must be read as the same");
    let first: &[u8] = match logo.format {
        ImageFormat::Png => b"\x89PNG\r\n\x1a\n",
        ImageFormat::Jpeg => b"\xff\xd8\xff",
        ImageFormat::Webp => b"RIFF",
    };
    assert!(logo.bytes.starts_with(first), "a browser must know it by its first bytes");
});
