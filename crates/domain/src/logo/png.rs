//! PNG (RFC 2083, PNG 3rd edition): a signature and chunks of length, type, data and checksum.

use super::{Reading, Reduced, take, take_many};

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The ancillary chunks that decide how the picture looks. Text, times, Exif and animation are left out.
const SHOWN: [&[u8; 4]; 8] = [b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT", b"pHYs"];

pub(super) fn reduce(file: &[u8]) -> Reading {
    read(file).map_or(Reading::Damaged, Reading::Reduced)
}

fn read(file: &[u8]) -> Option<Reduced> {
    let mut rest = &file[SIGNATURE.len()..];
    let mut bytes = SIGNATURE.to_vec();
    let (mut size, mut has_data) = (None, false);
    loop {
        let whole = rest;
        let (length, after) = take::<4>(rest)?;
        let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
        let (kind, after) = take::<4>(after)?;
        let (data, after) = take_many(after, length)?;
        let (_checksum, after) = take::<4>(after)?;
        rest = after;
        let is_kept = match &kind {
            b"IHDR" => {
                // The first chunk, and the only one.
                if size.is_some() {
                    return None;
                }
                size = Some(read_header(data)?);
                true
            }
            _ if size.is_none() => return None,
            b"IDAT" => {
                has_data = true;
                true
            }
            b"PLTE" | b"IEND" => true,
            // An unknown chunk with a capital letter first may not be left out.
            other if other[0].is_ascii_uppercase() => return None,
            other => SHOWN.contains(&other),
        };
        if is_kept {
            bytes.extend_from_slice(&whole[..whole.len() - rest.len()]);
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
