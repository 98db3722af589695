//! From the bytes that were sent to the files that are kept: decode under limits, turn upright, scale, encode.

use std::io::Cursor;

use bytes::Bytes;
use fast_image_resize::images::Image;
use fast_image_resize::{PixelType, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};

use super::{Color, Widths, limits};

/// Why a file cannot be used as a picture. Each is a sentence that says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPicture {
    /// Too many bytes.
    #[error("The file is larger than 20 MB. Save the picture smaller and send it again.")]
    TooLarge,
    /// Nothing we can read, whatever its name says.
    #[error("This is not a picture the shop can read. Send a JPEG, PNG, WebP or GIF file.")]
    NotAPicture,
    /// Too many pixels.
    #[error(
        "The picture has more than 40 million pixels or a side over 16,000. Scale it down and send it again."
    )]
    TooManyPixels,
    /// It begins like a picture and goes on wrongly.
    #[error("The picture is damaged or was cut off. Save it again, or send another.")]
    Broken,
}

/// A picture in all its widths.
pub(crate) struct Prepared {
    /// The original's width, upright.
    pub(crate) width: u32,
    /// The original's height, upright.
    pub(crate) height: u32,
    /// The files, by width, ascending.
    pub(crate) files: Vec<(u32, Bytes)>,
    /// The colour of its backdrop.
    pub(crate) ground: Color,
}

impl Prepared {
    pub(crate) fn widths(&self) -> Widths {
        Widths(self.files.iter().map(|(width, _)| *width).collect())
    }
}

/// WebP's quality. Above it files grow faster than they look better.
const QUALITY: f32 = 82.0;

/// Reads a file and makes every width of it. Takes up to a second or so: not for an async thread.
pub(crate) fn prepare(file: &[u8]) -> Result<Prepared, BadPicture> {
    let original = Pixels::of(decode(file)?);
    let (width, height) = (original.width, original.height);
    let widths = Widths::of(width);
    // Every smaller width is made from the largest: scaling forty megapixels down six times would be for nothing.
    let largest = original.scaled_to(widths.largest())?;
    let mut files = Vec::with_capacity(widths.as_slice().len());
    for wanted in widths.as_slice() {
        let bytes = if *wanted == largest.width {
            largest.encode()?
        } else {
            largest.clone().scaled_to(*wanted)?.encode()?
        };
        files.push((*wanted, bytes));
    }
    let smallest = widths.as_slice().first().copied().unwrap_or(width);
    let ground = largest.scaled_to(smallest)?.ground();
    Ok(Prepared {
        width,
        height,
        files,
        ground,
    })
}

fn decode(file: &[u8]) -> Result<DynamicImage, BadPicture> {
    let format = image::guess_format(file).map_err(|_unknown| BadPicture::NotAPicture)?;
    if !matches!(
        format,
        ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP | ImageFormat::Gif
    ) {
        return Err(BadPicture::NotAPicture);
    }
    // The decoder would paint the missing part of a photo grey and say nothing.
    if format == ImageFormat::Jpeg && is_cut_off_jpeg(file) {
        return Err(BadPicture::Broken);
    }
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    let mut bounds = image::Limits::default();
    bounds.max_image_width = Some(limits::SIDE);
    bounds.max_image_height = Some(limits::SIDE);
    bounds.max_alloc = Some(limits::DECODER_BYTES);
    reader.limits(bounds);
    let mut decoder = reader.into_decoder().map_err(|error| refusal(&error))?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width).saturating_mul(u64::from(height));
    if pixels == 0 {
        return Err(BadPicture::Broken);
    }
    if pixels > limits::PIXELS || decoder.total_bytes() > limits::DECODER_BYTES {
        return Err(BadPicture::TooManyPixels);
    }
    // A damaged note about the way up is no reason to refuse a picture.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| refusal(&error))?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// The width and height a WebP file says it has, without decoding it.
pub(crate) fn size_of_webp(file: &[u8]) -> Result<(u32, u32), BadPicture> {
    let reader = ImageReader::with_format(Cursor::new(file), ImageFormat::WebP);
    reader.into_dimensions().map_err(|error| refusal(&error))
}

fn refusal(error: &ImageError) -> BadPicture {
    match error {
        ImageError::Limits(_) => BadPicture::TooManyPixels,
        ImageError::Unsupported(_) => BadPicture::NotAPicture,
        ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::IoError(_) => BadPicture::Broken,
    }
}

/// Whether the last scan of a JPEG never ends: its start marker is not followed by an end marker.
fn is_cut_off_jpeg(file: &[u8]) -> bool {
    let last = |marker: u8| file.windows(2).rposition(|pair| pair == [0xFF, marker]);
    last(0xDA).is_none_or(|scan| last(0xD9).is_none_or(|end| end < scan))
}

/// Plain pixels, three or four bytes each.
#[derive(Clone)]
struct Pixels {
    width: u32,
    height: u32,
    kind: PixelType,
    bytes: Vec<u8>,
}

impl Pixels {
    /// Keeps the alpha channel only if something is really transparent.
    fn of(picture: DynamicImage) -> Self {
        let (width, height) = (picture.width(), picture.height());
        if picture.color().has_alpha() {
            let rgba = picture.into_rgba8();
            if rgba.pixels().any(|pixel| pixel.0[3] != u8::MAX) {
                return Self {
                    width,
                    height,
                    kind: PixelType::U8x4,
                    bytes: rgba.into_raw(),
                };
            }
            let bytes = DynamicImage::ImageRgba8(rgba).into_rgb8().into_raw();
            return Self {
                width,
                height,
                kind: PixelType::U8x3,
                bytes,
            };
        }
        Self {
            width,
            height,
            kind: PixelType::U8x3,
            bytes: picture.into_rgb8().into_raw(),
        }
    }

    fn scaled_to(self, width: u32) -> Result<Self, BadPicture> {
        if width == self.width {
            return Ok(self);
        }
        let height = u64::from(self.height)
            .saturating_mul(u64::from(width))
            .checked_div(u64::from(self.width))
            .and_then(|height| u32::try_from(height).ok())
            .map_or(1, |height| height.max(1));
        let source = Image::from_vec_u8(self.width, self.height, self.bytes, self.kind)
            .map_err(|_misfit| BadPicture::Broken)?;
        let mut scaled = Image::new(width, height, self.kind);
        Resizer::new()
            .resize(&source, &mut scaled, None)
            .map_err(|_misfit| BadPicture::Broken)?;
        Ok(Self {
            width,
            height,
            kind: self.kind,
            bytes: scaled.into_vec(),
        })
    }

    fn encode(&self) -> Result<Bytes, BadPicture> {
        let encoder = if self.kind == PixelType::U8x4 {
            webp::Encoder::from_rgba(&self.bytes, self.width, self.height)
        } else {
            webp::Encoder::from_rgb(&self.bytes, self.width, self.height)
        };
        let memory = encoder
            .encode_simple(false, QUALITY)
            .map_err(|_refused| BadPicture::TooManyPixels)?;
        Ok(Bytes::copy_from_slice(&memory))
    }

    /// The middle value of each colour along the picture's edge; white where the edge is transparent.
    fn ground(&self) -> Color {
        let size = if self.kind == PixelType::U8x4 { 4 } else { 3 };
        let width = usize::try_from(self.width).unwrap_or(usize::MAX);
        let height = usize::try_from(self.height).unwrap_or(usize::MAX);
        let rim = |at: usize, length: usize| at < RIM || at.saturating_add(RIM) >= length;
        let rows = self
            .bytes
            .chunks_exact(width.saturating_mul(size).max(1))
            .enumerate();
        let edge = rows.flat_map(|(y, row)| {
            let pixels = row.chunks_exact(size).enumerate();
            pixels
                .filter(move |(x, _)| rim(*x, width) || rim(y, height))
                .map(|(_, pixel)| pixel)
        });
        let (mut reds, mut greens, mut blues) = (Vec::new(), Vec::new(), Vec::new());
        for pixel in edge {
            if let [red, green, blue, alpha @ ..] = pixel
                && alpha.first().is_none_or(|alpha| *alpha > 127)
            {
                reds.push(*red);
                greens.push(*green);
                blues.push(*blue);
            }
        }
        Color::from_rgb(middle(reds), middle(greens), middle(blues))
    }
}

/// How many pixels deep the edge is.
const RIM: usize = 4;

fn middle(mut values: Vec<u8>) -> u8 {
    let half = values.len().checked_div(2).unwrap_or(0);
    if values.is_empty() {
        return u8::MAX;
    }
    let (_, middle, _) = values.select_nth_unstable(half);
    *middle
}
