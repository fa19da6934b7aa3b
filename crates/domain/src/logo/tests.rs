//! Real images from Chromium, and what people and attackers make of them.

use super::*;

const PNG: &[u8] = include_bytes!("fixtures/logo.png");
const JPEG: &[u8] = include_bytes!("fixtures/logo.jpeg");
const LOSSY: &[u8] = include_bytes!("fixtures/lossy.webp");
const LOSSLESS: &[u8] = include_bytes!("fixtures/lossless.webp");
const PLAIN: &[u8] = include_bytes!("fixtures/plain.webp");

fn problem(file: &[u8]) -> ImageProblem {
    LogoImage::parse(file).expect_err("no logo")
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|part| part == text)
}

/// A chunk of a PNG. Nobody reads the checksum here.
fn png_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&length[..], kind, data, &[0; 4]].concat()
}

/// The PNG with chunks behind its header.
fn png_with(chunks: &[u8]) -> Vec<u8> {
    [&PNG[..33], chunks, &PNG[33..]].concat()
}

fn jpeg_segment(marker: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker][..], &length, data].concat()
}

fn jpeg_with(segments: &[u8]) -> Vec<u8> {
    [&JPEG[..2], segments, &JPEG[2..]].concat()
}

fn webp_chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = [&name[..], &u32::try_from(data.len()).unwrap().to_le_bytes(), data].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

fn webp_of(chunks: &[u8]) -> Vec<u8> {
    let length = u32::try_from(chunks.len() + 4).unwrap().to_le_bytes();
    [&b"RIFF"[..], &length, b"WEBP", chunks].concat()
}

#[test]
fn images_of_a_browser_stay_as_they_are() {
    for (file, format) in [
        (PNG, ImageFormat::Png),
        (JPEG, ImageFormat::Jpeg),
        (LOSSY, ImageFormat::Webp),
        (LOSSLESS, ImageFormat::Webp),
        (PLAIN, ImageFormat::Webp),
    ] {
        let logo = LogoImage::parse(file).unwrap();
        assert_eq!((logo.format, logo.width, logo.height), (format, 24, 16));
        assert!(logo.bytes == file, "{format:?} was changed");
        assert_eq!(ImageFormat::from_name(format.name()), Some(format));
    }
}

#[test]
fn a_cut_image_is_damaged() {
    for file in [PNG, JPEG, LOSSY, LOSSLESS] {
        for end in 12..file.len() {
            assert!(matches!(problem(&file[..end]), ImageProblem::Damaged(_)), "cut at {end}");
        }
    }
}

/// Whatever an image is, reading it ends, and what comes out is read as the same.
#[test]
fn changed_bytes_harm_nobody() {
    for file in [PNG, JPEG, LOSSY, LOSSLESS] {
        for place in 0..file.len() {
            for value in [0, 1, 0x7f, 0xff, file[place] ^ 0x20] {
                let mut changed = file.to_vec();
                changed[place] = value;
                if let Ok(logo) = LogoImage::parse(&changed) {
                    assert!(logo.width <= MAX_SIDE && logo.height <= MAX_SIDE && logo.bytes.len() <= file.len());
                    assert_eq!(LogoImage::parse(&logo.bytes).as_ref(), Ok(&logo));
                }
            }
        }
    }
}

#[test]
fn metadata_and_what_is_behind_the_end_are_left_out() {
    const PLACE: &[u8] = b"GPS 48.2082 16.3738 <script>alert(1)</script>";
    let text = [&png_chunk(b"tEXt", PLACE)[..], &png_chunk(b"eXIf", PLACE), &png_chunk(b"iTXt", PLACE)].concat();
    let animation = png_chunk(b"acTL", &[0; 8]);
    let exif = [&jpeg_segment(0xe1, PLACE)[..], &jpeg_segment(0xfe, PLACE), &jpeg_segment(0xed, PLACE)].concat();
    let other_icc = jpeg_segment(0xe2, &[&b"FPXR\0"[..], PLACE].concat());
    let webp =
        [&LOSSY[12..], &webp_chunk(b"EXIF", PLACE), &webp_chunk(b"XMP ", PLACE), &webp_chunk(b"HTML", PLACE)].concat();
    let mut flagged = webp_of(&webp);
    flagged[20] |= 0x0c;
    let tail = |file: &[u8]| [file, b"PK\x03\x04", PLACE].concat();
    for (given, expected) in [
        (png_with(&text), PNG),
        (png_with(&animation), PNG),
        (tail(PNG), PNG),
        (jpeg_with(&exif), JPEG),
        (jpeg_with(&other_icc), JPEG),
        (tail(JPEG), JPEG),
        (flagged, LOSSY),
        (tail(LOSSY), LOSSY),
    ] {
        let logo = LogoImage::parse(&given).unwrap();
        assert!(!contains(&logo.bytes, b"GPS") && !contains(&logo.bytes, b"script"));
        assert!(logo.bytes == expected);
    }
}

/// Chunks that are kept have room for what the picture needs, and for nothing else.
#[test]
fn nothing_hides_in_what_is_kept() {
    const PLACE: &[u8] = b"GPS 48.2082 16.3738";
    let long = |kind| png_with(&png_chunk(kind, PLACE));
    let gamma = png_chunk(b"gAMA", &45_455_u32.to_be_bytes());
    let twice = png_with(&[&gamma[..], &png_chunk(b"gAMA", b"GPS!")].concat());
    let end = PNG.len() - 12;
    let late = [&PNG[..end], &png_chunk(b"sBIT", b"GPS"), &PNG[end..]].concat();
    let adobe = [&b"Adobe\0\x64\0\0\0\0\x01"[..], PLACE].concat();
    let mut reserved = LOSSY.to_vec();
    reserved[20] |= 0xc1;
    reserved[21..24].copy_from_slice(b"GPS");
    let profile = |data| webp_chunk(b"ICCP", data);
    let doubled = webp_of(&[&LOSSY[12..30], &profile(b"icc"), &profile(PLACE), &LOSSY[30..]].concat());
    for file in [
        long(b"gAMA"),
        long(b"pHYs"),
        long(b"sRGB"),
        long(b"cHRM"),
        long(b"cICP"),
        long(b"sBIT"),
        twice,
        late,
        jpeg_with(&jpeg_segment(0xee, &adobe)),
        reserved,
        doubled,
    ] {
        let logo = LogoImage::parse(&file).unwrap();
        assert!(!contains(&logo.bytes, b"GPS"), "{:?}", logo.bytes);
        assert_eq!(LogoImage::parse(&logo.bytes), Ok(logo));
    }
    let full_end = [&PNG[..end], &png_chunk(b"IEND", PLACE)].concat();
    let palettes = [vec![0; 3 * 257], vec![0; 4]].map(|palette| png_with(&png_chunk(b"PLTE", &palette)));
    let two = png_with(&png_chunk(b"PLTE", &[0; 3]).repeat(2));
    let late = [&PNG[..end], &png_chunk(b"PLTE", b"GPS"), &PNG[end..]].concat();
    for file in palettes.into_iter().chain([full_end, two, late]) {
        assert_eq!(problem(&file), ImageProblem::Damaged(ImageFormat::Png));
    }
    assert_eq!(problem(&jpeg_with(&jpeg_segment(0xdd, PLACE))), ImageProblem::Damaged(ImageFormat::Jpeg));
}

#[test]
fn a_thumbnail_stays_out() {
    // Density 1 × 1, and a thumbnail of one pixel.
    let jfif = jpeg_segment(0xe0, b"JFIF\0\x01\x02\x01\x00\x01\x00\x01\x01\x01GPS");
    let logo = LogoImage::parse(&[&JPEG[..2], &jfif, &JPEG[20..]].concat()).unwrap();
    assert!(!contains(&logo.bytes, b"GPS"));
    assert_eq!(LogoImage::parse(&logo.bytes), Ok(logo));
}

#[test]
fn other_files_are_refused_whatever_they_are_called() {
    for file in [
        &b"GIF89a\x01\x00\x01\x00"[..],
        b"<!doctype html><script>alert(1)</script>",
        b"%PDF-1.7",
        b"BM\x00\x00",
        b"\x00\x00\x01\x00",
        b"RIFF\x00\x00\x00\x00WAVE",
        b"\x89PNG\n\x1a\n",
        b"\xff\xd8",
    ] {
        assert_eq!(problem(file), ImageProblem::UnknownFormat);
    }
    for svg in [
        &b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..],
        b"\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- x --><SVG onload='x()'>",
    ] {
        assert_eq!(problem(svg), ImageProblem::Svg);
    }
    assert_eq!(problem(b""), ImageProblem::Empty);
}

#[test]
fn large_files_and_large_pictures_are_refused() {
    let padded = |bytes: usize| png_with(&png_chunk(b"tEXt", &vec![b'x'; bytes - PNG.len() - 12]));
    assert!(LogoImage::parse(&padded(MAX_BYTES)).is_ok());
    assert_eq!(problem(&padded(MAX_BYTES + 1)), ImageProblem::TooLarge(MAX_BYTES + 1));

    let sized = |file: &[u8], at: usize, sides: &[u8]| {
        let mut file = file.to_vec();
        file[at..at + sides.len()].copy_from_slice(sides);
        file
    };
    let png = |width: u32, height: u32| sized(PNG, 16, &[width.to_be_bytes(), height.to_be_bytes()].concat());
    assert!(LogoImage::parse(&png(MAX_SIDE, MAX_SIDE)).is_ok());
    for (width, height) in [(MAX_SIDE + 1, 1), (1, MAX_SIDE + 1), (u32::MAX, u32::MAX)] {
        assert_eq!(problem(&png(width, height)), ImageProblem::TooManyPixels { width, height });
    }
    assert_eq!(problem(&png(0, 1)), ImageProblem::Damaged(ImageFormat::Png));

    let frame = JPEG.windows(2).position(|pair| matches!(pair, [0xff, 0xc0..=0xc2])).unwrap();
    let jpeg = sized(JPEG, frame + 5, &[0xff; 4]);
    assert_eq!(problem(&jpeg), ImageProblem::TooManyPixels { width: 65_535, height: 65_535 });
    assert_eq!(
        problem(&sized(JPEG, frame + 5, &[0, 0])),
        ImageProblem::Damaged(ImageFormat::Jpeg),
        "a height that comes later"
    );

    let lossless = webp_of(&webp_chunk(b"VP8L", &[0x2f, 0xff, 0xff, 0xff, 0x0f, 0]));
    assert_eq!(problem(&lossless), ImageProblem::TooManyPixels { width: 16_384, height: 16_384 });
    // The canvas and the picture have one size.
    assert_eq!(problem(&sized(LOSSY, 24, &[0xff, 0xff, 0xff])), ImageProblem::Damaged(ImageFormat::Webp));
}

#[test]
fn what_browsers_do_not_show_is_refused() {
    let critical = png_with(&png_chunk(b"ABCD", b""));
    let two_headers = png_with(&PNG[8..33]);
    let late_header = [&PNG[..8], &png_chunk(b"tEXt", b"x"), &PNG[8..]].concat();
    let empty = [&PNG[..33], &png_chunk(b"IEND", b"")].concat();
    for file in [critical, two_headers, late_header, empty] {
        assert_eq!(problem(&file), ImageProblem::Damaged(ImageFormat::Png));
    }
    let frame = JPEG.windows(2).position(|pair| matches!(pair, [0xff, 0xc0..=0xc2])).unwrap();
    let mut arithmetic = JPEG.to_vec();
    arithmetic[frame + 1] = 0xc9;
    let scan = JPEG.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    let end = JPEG.len() - 2;
    let busy = [&JPEG[..end], &JPEG[scan..end].repeat(64), &JPEG[end..]].concat();
    let without_scan = [&JPEG[..scan], &JPEG[end..]].concat();
    for file in [arithmetic, busy, without_scan] {
        assert_eq!(problem(&file), ImageProblem::Damaged(ImageFormat::Jpeg));
    }
    let mut animated = LOSSY.to_vec();
    animated[20] |= 0x02;
    let frames = webp_of(&[&LOSSY[12..30], &webp_chunk(b"ANMF", &[0; 24])].concat());
    for file in [animated, frames] {
        assert_eq!(problem(&file), ImageProblem::Animated);
    }
}
