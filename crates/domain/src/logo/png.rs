//! PNG (RFC 2083, PNG 3rd edition): a signature and chunks of length, type, data and checksum.

use std::ops::RangeInclusive;

use super::{Reading, Reduced, take, take_many};

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The ancillary chunks that decide how the picture looks, and the most bytes of each. Text, times, Exif and animation are left out. One of
/// another length is left out, too: browsers ignore it, and it could hold anything.
const SHOWN: [(&[u8; 4], RangeInclusive<usize>); 8] = [
    (b"tRNS", 1..=256),
    (b"gAMA", 4..=4),
    (b"cHRM", 32..=32),
    (b"sRGB", 1..=1),
    (b"iCCP", 3..=usize::MAX),
    (b"cICP", 4..=4),
    (b"sBIT", 1..=4),
    (b"pHYs", 9..=9),
];
/// Bytes of the largest palette.
const PALETTE: usize = 3 * 256;

pub(super) fn reduce(file: &[u8]) -> Reading {
    read(file).map_or(Reading::Damaged, Reading::Reduced)
}

fn read(file: &[u8]) -> Option<Reduced> {
    let mut rest = &file[SIGNATURE.len()..];
    let mut bytes = SIGNATURE.to_vec();
    let (mut size, mut has_data) = (None, false);
    let mut seen: Vec<[u8; 4]> = Vec::new();
    loop {
        let whole = rest;
        let (length, after) = take::<4>(rest)?;
        let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
        let (kind, after) = take::<4>(after)?;
        let (data, after) = take_many(after, length)?;
        let (_checksum, after) = take::<4>(after)?;
        rest = after;
        let is_repeated = seen.contains(&kind);
        let is_kept = match &kind {
            // The first chunk, and the only one.
            b"IHDR" if size.is_none() => {
                size = Some(read_header(data)?);
                true
            }
            _ if size.is_none() => return None,
            b"IDAT" => {
                has_data = true;
                true
            }
            b"PLTE" => {
                if is_repeated || has_data || data.len() > PALETTE || data.len() % 3 != 0 {
                    return None;
                }
                true
            }
            b"IEND" => data.is_empty().then_some(true)?,
            // An unknown chunk with a capital letter first may not be left out.
            other if other[0].is_ascii_uppercase() => return None,
            // What is behind the data comes too late for it.
            other => {
                let fits = SHOWN.iter().any(|(name, lengths)| *name == other && lengths.contains(&data.len()));
                fits && !is_repeated && !has_data
            }
        };
        if is_kept {
            bytes.extend_from_slice(&whole[..whole.len() - rest.len()]);
            if !is_repeated {
                seen.push(kind);
            }
        }
        if &kind == b"IEND" {
            // What is behind the end is not part of the picture.
            return size.filter(|_| has_data).map(|size| Reduced { size, bytes });
        }
    }
}

/// The size in an image header that browsers understand.
fn read_header(data: &[u8]) -> Option<(u32, u32)> {
    let (width, rest) = take::<4>(data)?;
    let (height, rest) = take::<4>(rest)?;
    let &[depth, color, compression, filter, interlace] = rest else { return None };
    let depths: &[u8] = match color {
        0 => &[1, 2, 4, 8, 16],
        2 | 4 | 6 => &[8, 16],
        3 => &[1, 2, 4, 8],
        _ => return None,
    };
    let is_known = depths.contains(&depth) && compression == 0 && filter == 0 && interlace <= 1;
    is_known.then(|| (u32::from_be_bytes(width), u32::from_be_bytes(height)))
}
