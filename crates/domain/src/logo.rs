//! The image of a project's logo: PNG, JPEG or WebP, measured and reduced to what a browser needs to show it. Nothing is decoded.

mod jpeg;
mod png;
mod webp;

/// The largest file, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
/// The largest width and height, in pixels: a browser decodes all of them.
pub const MAX_SIDE: u32 = 2_048;
/// Bytes at the beginning of a file in which the root of an SVG is looked for.
const SVG_HEAD: usize = 1_024;

/// The format of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageFormat {
    /// Portable Network Graphics.
    Png,
    /// JPEG, baseline or progressive.
    Jpeg,
    /// WebP, not animated.
    Webp,
}

impl ImageFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Png, Self::Jpeg, Self::Webp];

    /// Its name, also in file names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Webp => "webp",
        }
    }

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Webp => "WebP",
        }
    }

    /// The format with a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// Why an uploaded file is refused as a logo.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageProblem {
    /// No file was chosen, or the file has no bytes.
    #[error("choose an image")]
    Empty,
    /// The file has more than [`MAX_BYTES`]; the value is its size in bytes.
    #[error("the file has {} KiB, and at most {} KiB are allowed: save the image smaller", .0.div_ceil(1024), MAX_BYTES / 1024)]
    TooLarge(usize),
    /// An SVG file.
    #[error("SVG files are not accepted, because they can contain scripts: save the logo as PNG or WebP")]
    Svg,
    /// The first bytes are of no [`ImageFormat`]. The file's name and type do not count.
    #[error("this is not a PNG, JPEG or WebP image: save the logo in one of these formats")]
    UnknownFormat,
    /// The file is an animation.
    #[error("animated images are not accepted: save a single picture")]
    Animated,
    /// The image is wider or higher than [`MAX_SIDE`].
    #[error("the image has {width} × {height} pixels, and at most {max} × {max} are allowed: make it smaller", max = MAX_SIDE)]
    TooManyPixels {
        /// The image's width in pixels.
        width: u32,
        /// The image's height in pixels.
        height: u32,
    },
    /// The file begins like an image of this format, but the rest cannot be read, or browsers would not show it.
    #[error("this {} file is damaged, incomplete, or of a kind that browsers do not show: save the image again", .0.label())]
    Damaged(ImageFormat),
}

/// An image that browsers show, without metadata and without anything behind its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoImage {
    /// Its format.
    pub format: ImageFormat,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// The reduced file, as it is stored and served.
    pub bytes: Vec<u8>,
}

/// The parts of a file that show the picture, and its size.
struct Reduced {
    size: (u32, u32),
    bytes: Vec<u8>,
}

/// The result of reading a file of a known format.
enum Reading {
    Reduced(Reduced),
    Animated,
    Damaged,
}

impl LogoImage {
    /// Reads an uploaded file. Its first bytes decide what it is, not its name or type.
    ///
    /// # Errors
    /// Why it is no logo.
    pub fn parse(file: &[u8]) -> Result<Self, ImageProblem> {
        if file.is_empty() {
            return Err(ImageProblem::Empty);
        }
        if file.len() > MAX_BYTES {
            return Err(ImageProblem::TooLarge(file.len()));
        }
        let format = recognize(file)
            .ok_or_else(|| if is_svg(file) { ImageProblem::Svg } else { ImageProblem::UnknownFormat })?;
        let reading = match format {
            ImageFormat::Png => png::reduce(file),
            ImageFormat::Jpeg => jpeg::reduce(file),
            ImageFormat::Webp => webp::reduce(file),
        };
        let reduced = match reading {
            Reading::Reduced(reduced) => reduced,
            Reading::Animated => return Err(ImageProblem::Animated),
            Reading::Damaged => return Err(ImageProblem::Damaged(format)),
        };
        let (width, height) = reduced.size;
        match (width.min(height), width.max(height)) {
            (0, _) => Err(ImageProblem::Damaged(format)),
            (_, longest) if longest > MAX_SIDE => Err(ImageProblem::TooManyPixels { width, height }),
            _ => Ok(Self { format, width, height, bytes: reduced.bytes }),
        }
    }
}

fn recognize(file: &[u8]) -> Option<ImageFormat> {
    if file.starts_with(png::SIGNATURE) {
        Some(ImageFormat::Png)
    } else if file.starts_with(jpeg::SIGNATURE) {
        Some(ImageFormat::Jpeg)
    } else if file.starts_with(b"RIFF") && file.get(8..12) == Some(b"WEBP") {
        Some(ImageFormat::Webp)
    } else {
        None
    }
}

/// Whether it is text with an `<svg` near its beginning: for the message only, because text is never accepted.
fn is_svg(file: &[u8]) -> bool {
    let head = &file[..file.len().min(SVG_HEAD)];
    head.windows(4).any(|bytes| bytes.eq_ignore_ascii_case(b"<svg"))
}

/// The first `N` bytes, and what follows.
fn take<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    Some((*first, rest))
}

/// So many bytes, and what follows.
fn take_many(bytes: &[u8], count: usize) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(count)
}

#[cfg(test)]
mod tests;
