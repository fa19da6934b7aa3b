//! JPEG (ITU-T T.81): segments with a marker and a length, and the compressed data of scans between them.

use super::{Reading, Reduced, take, take_many};

pub(super) const SIGNATURE: &[u8] = b"\xff\xd8\xff";

const START: [u8; 2] = [0xff, 0xd8];
const END: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;
/// The most scans: each may cover the whole picture, so thousands of tiny ones would keep a browser busy.
const MOST_SCANS: u32 = 64;
/// An APP0 segment with density and no thumbnail.
const JFIF_BYTES: usize = 14;
/// An APP14 segment: a name, a version, flags, and how the colors are coded.
const ADOBE_BYTES: usize = 12;

pub(super) fn reduce(file: &[u8]) -> Reading {
    read(file).map_or(Reading::Damaged, Reading::Reduced)
}

fn read(file: &[u8]) -> Option<Reduced> {
    let mut rest = &file[START.len()..];
    let mut bytes = START.to_vec();
    let (mut size, mut scans) = (None, 0);
    loop {
        let (marker, after) = read_marker(rest)?;
        if marker == END {
            bytes.extend_from_slice(&[0xff, END]);
            // What is behind the end is not part of the picture.
            return size.filter(|_| (1..=MOST_SCANS).contains(&scans)).map(|size| Reduced { size, bytes });
        }
        let (length, after) = take::<2>(after)?;
        let length = usize::from(u16::from_be_bytes(length)).checked_sub(2)?;
        let (data, after) = take_many(after, length)?;
        rest = after;
        match marker {
            // Frames: baseline, extended and progressive. Browsers show no others.
            0xc0..=0xc2 => {
                if size.is_some() {
                    return None;
                }
                size = Some(read_frame(data)?);
                push(&mut bytes, marker, data);
            }
            // Tables, and restart intervals.
            0xdd if data.len() != 2 => return None,
            0xc4 | 0xdb | 0xdd => push(&mut bytes, marker, data),
            START_OF_SCAN => {
                size?;
                scans += 1;
                push(&mut bytes, marker, data);
                let end = find_marker(rest)?;
                bytes.extend_from_slice(&rest[..end]);
                rest = &rest[end..];
            }
            // Density; a thumbnail of its own stays out.
            0xe0 if data.starts_with(b"JFIF\0") && data.len() >= JFIF_BYTES => {
                push(&mut bytes, marker, &[&data[..JFIF_BYTES - 2], &[0, 0]].concat());
            }
            // Color profiles, and how the colors are coded.
            0xe2 if data.starts_with(b"ICC_PROFILE\0") => push(&mut bytes, marker, data),
            0xee if data.starts_with(b"Adobe") && data.len() >= ADOBE_BYTES => {
                push(&mut bytes, marker, &data[..ADOBE_BYTES]);
            }
            // Exif, XMP, previews and other data of applications, and comments.
            0xe0..=0xef | 0xfe => {}
            _ => return None,
        }
    }
}

/// The marker here, after any fill bytes, and what follows.
fn read_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let rest = bytes.strip_prefix(&[0xff])?;
    let fill = rest.iter().position(|byte| *byte != 0xff)?;
    let (marker, rest) = rest[fill..].split_first()?;
    Some((*marker, rest))
}

/// Where the data of a scan ends: at a marker other than a restart.
fn find_marker(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xff | 0xd0..=0xd7))
}

fn push(bytes: &mut Vec<u8>, marker: u8, data: &[u8]) {
    let length = u16::try_from(data.len() + 2).unwrap_or(u16::MAX);
    bytes.extend_from_slice(&[0xff, marker]);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(data);
}

fn read_frame(data: &[u8]) -> Option<(u32, u32)> {
    let (_precision, rest) = take::<1>(data)?;
    let (height, rest) = take::<2>(rest)?;
    let (width, rest) = take::<2>(rest)?;
    let (components, rest) = take::<1>(rest)?;
    let is_whole = rest.len() == 3 * usize::from(components[0]) && matches!(components[0], 1 | 3 | 4);
    is_whole.then(|| (u16::from_be_bytes(width).into(), u16::from_be_bytes(height).into()))
}
