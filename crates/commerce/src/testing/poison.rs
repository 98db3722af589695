//! Files nobody should have sent as a picture, made by code: what each is, and what must become of it.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use crate::media::BadPicture::{self, Broken, NotAPicture, TooManyPixels};

/// A file that is not what it seems.
#[derive(Debug, Clone)]
pub struct Poison {
    /// What it is, in a few words.
    pub what: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Why it is refused; `None` for a picture that is kept, without what hides in it.
    pub refusal: Option<BadPicture>,
    /// What hides in it, if it is kept.
    pub hidden: &'static [u8],
}

impl Poison {
    fn refused(what: &'static str, bytes: impl Into<Vec<u8>>, refusal: BadPicture) -> Self {
        Self {
            what,
            bytes: bytes.into(),
            refusal: Some(refusal),
            hidden: b"",
        }
    }

    fn kept(what: &'static str, bytes: Vec<u8>) -> Self {
        Self {
            what,
            bytes,
            refusal: None,
            hidden: SECRET,
        }
    }
}

/// What hides in pictures that are kept.
const SECRET: &[u8] = b"<script>SECRET-52.3676N-4.9041E</script>";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// All of them.
pub fn files() -> Vec<Poison> {
    let mut all = other_kinds();
    all.extend(texts());
    all.extend(cut_off());
    all.extend(damaged());
    all.extend(far_too_large());
    all.extend(with_something_inside());
    all.extend(bombs());
    all
}

/// Other kinds of files, whatever they are called.
fn other_kinds() -> Vec<Poison> {
    let kinds: [(&'static str, &[u8]); 22] = [
        ("nothing", b""),
        (
            "a BMP",
            b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0",
        ),
        ("an icon", b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0"),
        ("an archive", b"PK\x03\x04\x14\0\0\0\x08\0"),
        ("a packed file", b"\x1f\x8b\x08\0\0\0\0\0\0\x03"),
        ("a program", b"\x7fELF\x02\x01\x01\0"),
        ("a program of Windows", b"MZ\x90\0\x03\0\0\0"),
        ("a PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"),
        ("a PostScript file", b"%!PS-Adobe-3.0 EPSF-3.0\n"),
        ("a TIFF", b"II*\0\x08\0\0\0\0\0"),
        ("an AVIF", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf"),
        ("a HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
        ("a film", b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2"),
        ("a JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n"),
        ("a Photoshop file", b"8BPS\0\x01\0\0\0\0\0\0\0\x03"),
        ("a sound", b"RIFF\x24\0\0\0WAVEfmt "),
        (
            "a portable pixmap of 50,000 by 50,000",
            b"P6\n50000 50000\n255\n",
        ),
        (
            "a QOI of 50,000 by 50,000",
            b"qoif\0\0\xc3\x50\0\0\xc3\x50\x04\0",
        ),
        ("a DDS", b"DDS \x7c\0\0\0\x07\x10\0\0"),
        ("an OpenEXR", b"\x76\x2f\x31\x01\x02\0\0\0"),
        ("a PNG one byte late", b"\0\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("zeros", &[0; 4_096]),
    ];
    kinds
        .into_iter()
        .map(|(what, bytes)| Poison::refused(what, bytes, NotAPicture))
        .collect()
}

/// Texts that somebody's browser might run.
fn texts() -> Vec<Poison> {
    let texts = [
        ("a letter", "Dear shop, here is my picture"),
        (
            "an SVG that runs",
            "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        ),
        (
            "an SVG that grows",
            "<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><svg>&b;</svg>",
        ),
        (
            "an SVG that reads files",
            "<!DOCTYPE svg [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><svg>&f;</svg>",
        ),
        ("a page", "<!doctype html><script>alert(1)</script>"),
        ("a script", "fetch('/admin').then(alert)"),
        ("a script of a server", "<?php system($_GET['c']); ?>"),
        (
            "a picture wrapped in JSON",
            "{\"data\":\"data:image/png;base64,iVBORw0KGgo=\"}",
        ),
        (
            "a picture as an address",
            "data:image/png;base64,iVBORw0KGgo=",
        ),
        (
            "a command for ImageMagick",
            "push graphic-context\nfill 'url(https://x/\"|ls\")'",
        ),
    ];
    let mut all: Vec<Poison> = texts
        .into_iter()
        .map(|(what, text)| Poison::refused(what, text, NotAPicture))
        .collect();
    let wide: Vec<u8> = "\u{feff}<script>"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    all.push(Poison::refused("a page in UTF-16", wide, NotAPicture));
    all
}

/// Pictures whose end is missing.
fn cut_off() -> Vec<Poison> {
    let lossy = lossy_webp();
    let lossless = encoded(ImageFormat::WebP);
    vec![
        Poison::refused(
            "a JPEG's first bytes",
            b"\xff\xd8\xff\xe0\0\x10JFIF\0",
            Broken,
        ),
        Poison::refused("a PNG's first bytes", PNG, Broken),
        Poison::refused("a GIF's first bytes", b"GIF89a", Broken),
        Poison::refused("half a JPEG", part(&encoded(ImageFormat::Jpeg), 50), Broken),
        Poison::refused(
            "most of a JPEG",
            part(&encoded(ImageFormat::Jpeg), 99),
            Broken,
        ),
        Poison::refused("half a PNG", part(&encoded(ImageFormat::Png), 50), Broken),
        Poison::refused("half a GIF", part(&encoded(ImageFormat::Gif), 50), Broken),
        Poison::refused("half a WebP", part(&lossy, 50), Broken),
        Poison::refused("a WebP with nothing in it", part(&lossy, 8), Broken),
        Poison::refused("half a lossless WebP", part(&lossless, 50), Broken),
    ]
}

/// Pictures with a lie in them.
fn damaged() -> Vec<Poison> {
    let png = encoded(ImageFormat::Png);
    let mut flipped = png.clone();
    let middle = flipped.len() / 2;
    if let Some(byte) = flipped.get_mut(middle) {
        *byte ^= 0xFF;
    }
    let mut endless = PNG.to_vec();
    endless.extend(b"\x7f\xff\xff\xffIHDR");
    let mut page = PNG.to_vec();
    page.extend(SECRET);
    let no_pixels = [PNG, &header(600, 600), &chunk(*b"IEND", b"")].concat();
    let mut odd_depth = PNG.to_vec();
    odd_depth.extend(chunk(*b"IHDR", &[0, 0, 0, 9, 0, 0, 0, 9, 7, 6, 0, 0, 0]));
    let mut wrong_sum = [PNG, &header(9, 9)].concat();
    if let Some(last) = wrong_sum.last_mut() {
        *last ^= 1;
    }
    vec![
        Poison::refused("a page behind a PNG's first bytes", page, Broken),
        Poison::refused("a PNG with a flipped byte", flipped, Broken),
        Poison::refused("a PNG whose chunk never ends", endless, Broken),
        Poison::refused("a PNG without pixels", no_pixels, Broken),
        Poison::refused("a PNG of seven bits", odd_depth, Broken),
        Poison::refused("a PNG whose sum is wrong", wrong_sum, Broken),
        Poison::refused("a hollow PNG of a fair size", hollow(600, 600), Broken),
        Poison::refused("a PNG without height", hollow(600, 0), Broken),
        Poison::refused("a GIF without a frame", b"GIF89a\x09\0\x07\0\0\0\0;", Broken),
        Poison::refused("a JPEG without tables", b"\xff\xd8\xff\xc0\0\x0b\x08\0\x09\0\x07\x01\x01\x11\0\xff\xda\0\x08\x01\x01\0\0\x3f\0\x12\xff\xd9", Broken),
    ]
}

/// Few bytes that say they are many pixels.
fn far_too_large() -> Vec<Poison> {
    let mut gif = encoded(ImageFormat::Gif);
    if let Some(size) = gif.get_mut(6..10) {
        size.copy_from_slice(&[0xFF; 4]);
    }
    let mut jpeg = encoded(ImageFormat::Jpeg);
    let frame = jpeg
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap_or(0);
    if let Some(size) = jpeg.get_mut(frame + 5..frame + 9) {
        size.copy_from_slice(&[0xFF; 4]);
    }
    let mut webp = b"RIFF\x16\0\0\0WEBPVP8L\x0a\0\0\0\x2f".to_vec();
    webp.extend([0xFF, 0xFF, 0xFF, 0x0F, 0, 0, 0, 0, 0]);
    vec![
        Poison::refused(
            "a PNG of 50,000 by 50,000",
            hollow(50_000, 50_000),
            TooManyPixels,
        ),
        Poison::refused(
            "a PNG of 15,000 by 15,000",
            hollow(15_000, 15_000),
            TooManyPixels,
        ),
        Poison::refused(
            "a PNG as wide as can be",
            hollow(0x7FFF_FFFF, 1),
            TooManyPixels,
        ),
        Poison::refused(
            "a PNG of one row too many",
            hollow(1, 16_001),
            TooManyPixels,
        ),
        Poison::refused("a GIF of 65,535 by 65,535", gif, TooManyPixels),
        Poison::refused("a JPEG of 65,535 by 65,535", jpeg, TooManyPixels),
        Poison::refused("a hollow WebP of 16,384 by 16,384", webp, Broken),
    ]
}

/// Good pictures with something in them that must not stay.
fn with_something_inside() -> Vec<Poison> {
    let mut behind = encoded(ImageFormat::Jpeg);
    behind.extend(SECRET);
    let mut archive = encoded(ImageFormat::Png);
    archive.extend(b"PK\x03\x04");
    archive.extend(SECRET);
    let comment = in_jpeg(&[(0xFE, SECRET.to_vec())]);
    let place = in_jpeg(&[(0xE1, place_of_a_photo())]);
    let xmp = [b"http://ns.adobe.com/xap/1.0/\0", SECRET].concat();
    let note = [b"note\0\0\0\0\0".as_slice(), SECRET].concat();
    let mut gif = encoded(ImageFormat::Gif);
    gif.pop();
    gif.extend(b"\x21\xfe\x28");
    gif.extend(SECRET);
    gif.extend(b"\0;");
    vec![
        Poison::kept("a page behind a JPEG", behind),
        Poison::kept("an archive behind a PNG", archive),
        Poison::kept("a script in a JPEG's comment", comment),
        Poison::kept("a JPEG that says where it was taken", place),
        Poison::kept("a JPEG with a packet of XMP", in_jpeg(&[(0xE1, xmp)])),
        Poison::kept("a PNG with a note", in_png(&[chunk(*b"iTXt", &note)])),
        Poison::kept(
            "a PNG that says where it was taken",
            in_png(&[chunk(
                *b"eXIf",
                place_of_a_photo().get(6..).unwrap_or_default(),
            )]),
        ),
        Poison::kept("a GIF with a comment", gif),
        Poison::kept(
            "a JPEG for print, in four colours",
            include_bytes!("cmyk.jpg").to_vec(),
        ),
    ]
}

/// Good pictures that grow when they are opened.
fn bombs() -> Vec<Poison> {
    let profile = [b"big\0\0".as_slice(), &zeros(100_000_000)].concat();
    let text = [b"big\0\0".as_slice(), &zeros(100_000_000)].concat();
    let gif = encoded(ImageFormat::Gif);
    let frame_at = gif.iter().rposition(|byte| *byte == b',').unwrap_or(0);
    let (head, frame) = gif.split_at(frame_at);
    let mut film = head.to_vec();
    for _ in 0..2_000 {
        film.extend(frame.get(..frame.len() - 1).unwrap_or_default());
    }
    film.push(b';');
    let blocks: Vec<(u8, Vec<u8>)> = (0..60).map(|_| (0xE2, vec![b'x'; 65_000])).collect();
    let parts: Vec<Vec<u8>> = (0..50_000).map(|_| chunk(*b"tEXt", b"a\0b")).collect();
    let frames = [chunk(*b"acTL", &[0xFF; 8]), chunk(*b"fcTL", &[0; 26])];
    let mut squeezed = [PNG, &header(8_000, 8_000)].concat();
    squeezed.extend(chunk(*b"IDAT", &zeros(8_000 * (8_000 * 4 + 1))));
    squeezed.extend(chunk(*b"IEND", b""));
    let mut too_much = [PNG, &header(9, 9)].concat();
    too_much.extend(chunk(*b"IDAT", &zeros(100_000_000)));
    too_much.extend(chunk(*b"IEND", b""));
    vec![
        Poison::kept(
            "a PNG whose colour profile grows to 100 MB",
            in_png(&[chunk(*b"iCCP", &profile)]),
        ),
        Poison::kept(
            "a PNG whose note grows to 100 MB",
            in_png(&[chunk(*b"zTXt", &text)]),
        ),
        Poison::kept("a PNG of 50,000 notes", in_png(&parts)),
        Poison::refused("a PNG that says it moves for ever", in_png(&frames), Broken),
        Poison::kept("a GIF of 2,000 frames", film),
        Poison::kept("a JPEG with four megabytes of profile", in_jpeg(&blocks)),
        Poison::refused(
            "a PNG of 64 million pixels in 1.6 MB",
            squeezed,
            TooManyPixels,
        ),
        Poison::kept("a small PNG whose pixels grow to 100 MB", too_much),
    ]
}

/// A dark thing on a sandy ground, 64 by 48.
fn photo() -> DynamicImage {
    let pixel = |x: u32, y: u32| {
        let thing = x.abs_diff(32) < 16 && y.abs_diff(24) < 12;
        if thing {
            Rgb([40, 60, 50])
        } else {
            Rgb([226, 180, 154])
        }
    };
    DynamicImage::ImageRgb8(RgbImage::from_fn(64, 48, pixel))
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = if format == ImageFormat::Gif {
        DynamicImage::ImageRgba8(photo().into_rgba8())
    } else {
        photo()
    };
    picture
        .write_to(&mut bytes, format)
        .expect("a small picture can be written");
    bytes.into_inner()
}

/// A lossy WebP, which `image` cannot write.
fn lossy_webp() -> Vec<u8> {
    webp::Encoder::from_rgb(photo().into_rgb8().as_raw(), 64, 48)
        .encode(80.0)
        .to_vec()
}

fn part(file: &[u8], percent: usize) -> Vec<u8> {
    file.get(..file.len() * percent / 100)
        .unwrap_or_default()
        .to_vec()
}

/// A photo's note of where it was taken, as a phone writes it.
fn place_of_a_photo() -> Vec<u8> {
    let mut note = b"Exif\0\0II*\0\x08\0\0\0\x01\0".to_vec();
    note.extend(b"\x0e\x01\x02\0\x28\0\0\0\x1a\0\0\0\0\0\0\0");
    note.extend(SECRET);
    note
}

/// A JPEG with these segments behind its first marker.
fn in_jpeg(segments: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut file = vec![0xFF, 0xD8];
    for (marker, content) in segments {
        file.extend([0xFF, *marker]);
        let length = u16::try_from(content.len() + 2).expect("a segment is short");
        file.extend(length.to_be_bytes());
        file.extend(content);
    }
    file.extend(encoded(ImageFormat::Jpeg).get(2..).unwrap_or_default());
    file
}

/// A PNG with these chunks behind its header.
fn in_png(chunks: &[Vec<u8>]) -> Vec<u8> {
    let png = encoded(ImageFormat::Png);
    let (head, rest) = png.split_at(33);
    [head, &chunks.concat(), rest].concat()
}

fn header(width: u32, height: u32) -> Vec<u8> {
    let mut content = width.to_be_bytes().to_vec();
    content.extend(height.to_be_bytes());
    content.extend([8, 6, 0, 0, 0]);
    chunk(*b"IHDR", &content)
}

/// A PNG that says it is this large and holds next to nothing.
fn hollow(width: u32, height: u32) -> Vec<u8> {
    let mut file = [PNG, &header(width, height)].concat();
    file.extend(chunk(*b"IDAT", b"\x78\x9c\x03\x00\x00\x00\x00\x01"));
    file.extend(chunk(*b"IEND", b""));
    file
}

fn chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let mut crc = u32::MAX;
    for byte in kind.iter().chain(content) {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
        }
    }
    let length = u32::try_from(content.len()).expect("a chunk is short");
    [
        &length.to_be_bytes()[..],
        &kind,
        content,
        &(!crc).to_be_bytes(),
    ]
    .concat()
}

/// At least so many zeros as zlib packs them best: a byte, then itself again and again, 258 bytes for 13 bits.
fn zeros(count: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.write(0b011, 3); // the last block, with the usual codes
    bits.write(0b0000_1100, 8); // a zero
    let repeats = count.div_ceil(258);
    for _ in 0..repeats {
        bits.write(0b1010_0011, 8); // 258 bytes again …
        bits.write(0, 5); // … of one byte ago
    }
    bits.write(0, 7); // the end
    let written = repeats * 258 + 1;
    let sum = u32::try_from(written % 65_521).expect("a remainder is small") << 16 | 1;
    [&[0x78, 0xDA], &bits.finish()[..], &sum.to_be_bytes()].concat()
}

/// Bits, the lowest first.
#[derive(Default)]
struct Bits {
    whole: Vec<u8>,
    rest: u32,
    count: u32,
}

impl Bits {
    fn write(&mut self, bits: u32, count: u32) {
        self.rest |= bits << self.count;
        self.count += count;
        while self.count >= 8 {
            self.whole.push(self.rest.to_le_bytes()[0]);
            self.rest >>= 8;
            self.count -= 8;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.whole.push(self.rest.to_le_bytes()[0]);
        }
        self.whole
    }
}
