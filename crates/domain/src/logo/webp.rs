//! WebP (RFC 9649): a RIFF container with chunks of a name, a length and data.

use super::{Reading, Reduced, take, take_many};

/// Bits of the extended header.
const HAS_ANIMATION: u8 = 0x02;
const HAS_ALPHA: u8 = 0x10;
const HAS_PROFILE: u8 = 0x20;

pub(super) fn reduce(file: &[u8]) -> Reading {
    read(file).unwrap_or(Reading::Damaged)
}

fn read(file: &[u8]) -> Option<Reading> {
    let (length, _) = take::<4>(file.get(4..)?)?;
    let length = usize::try_from(u32::from_le_bytes(length)).ok()?;
    // What is behind the container is not part of the picture.
    let (container, _) = take_many(&file[8..], length)?;
    let mut rest = container.strip_prefix(b"WEBP")?;
    let mut chunks = Vec::new();
    let (mut canvas, mut size) = (None, None);
    let (mut is_first, mut kept) = (true, Vec::new());
    while !rest.is_empty() {
        let (name, after) = take::<4>(rest)?;
        let (length, after) = take::<4>(after)?;
        let length = usize::try_from(u32::from_le_bytes(length)).ok()?;
        let (data, after) = take_many(after, length)?;
        // Chunks begin at even places; the last padding byte may be missing.
        rest = if length % 2 == 1 { after.get(1..).unwrap_or_default() } else { after };
        match &name {
            b"VP8X" if is_first => {
                let (mut header, found) = read_extended(data)?;
                if header[0] & HAS_ANIMATION != 0 {
                    return Some(Reading::Animated);
                }
                // The reserved bits and bytes say nothing.
                header[0] &= HAS_PROFILE | HAS_ALPHA;
                header[1..4].fill(0);
                canvas = Some(found);
                push(&mut chunks, name, &header);
            }
            b"ANIM" | b"ANMF" => return Some(Reading::Animated),
            b"VP8 " | b"VP8L" => {
                // One picture; without the extended header it is the first chunk.
                if size.is_some() || (canvas.is_none() && !is_first) {
                    return None;
                }
                size = Some(if &name == b"VP8 " { read_lossy(data)? } else { read_lossless(data)? });
                push(&mut chunks, name, data);
            }
            // One of each, in front of the picture.
            b"ICCP" | b"ALPH" if canvas.is_some() && size.is_none() && !kept.contains(&name) => {
                kept.push(name);
                push(&mut chunks, name, data);
            }
            // Exif, XMP and what no browser knows.
            _ if !is_first => {}
            _ => return None,
        }
        is_first = false;
    }
    let size = size.filter(|size| canvas.is_none_or(|canvas| canvas == *size))?;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend_from_slice(&u32::try_from(chunks.len() + 4).ok()?.to_le_bytes());
    bytes.extend_from_slice(b"WEBP");
    bytes.extend_from_slice(&chunks);
    Some(Reading::Reduced(Reduced { size, bytes }))
}

fn push(chunks: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    chunks.extend_from_slice(&name);
    chunks.extend_from_slice(&u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes());
    chunks.extend_from_slice(data);
    if data.len() % 2 == 1 {
        chunks.push(0);
    }
}

/// The extended header, and the size of the canvas.
fn read_extended(data: &[u8]) -> Option<([u8; 10], (u32, u32))> {
    let header = <[u8; 10]>::try_from(data).ok()?;
    let side = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], 0]) + 1;
    Some((header, (side(4), side(7))))
}

/// The size of a lossy picture, in the header of its key frame (RFC 6386 §9.1).
fn read_lossy(data: &[u8]) -> Option<(u32, u32)> {
    let (tag, rest) = take::<3>(data)?;
    let rest = rest.strip_prefix(&[0x9d, 0x01, 0x2a])?;
    let (width, rest) = take::<2>(rest)?;
    let (height, _) = take::<2>(rest)?;
    let side = |bytes| u32::from(u16::from_le_bytes(bytes) & 0x3fff);
    (tag[0] & 1 == 0).then(|| (side(width), side(height)))
}

/// The size of a lossless picture.
fn read_lossless(data: &[u8]) -> Option<(u32, u32)> {
    let (bits, _) = take::<4>(data.strip_prefix(&[0x2f])?)?;
    let bits = u32::from_le_bytes(bits);
    Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
}
