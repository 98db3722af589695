//! Good pictures, awkward ones, and files that only pretend.

use std::io::Cursor;

use bytes::Bytes;
use db::{Db, params, store_contract};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

use proptest::prelude::*;

use super::{
    BadPicture, Color, ContentHash, Picture, ReadyPicture, UploadError, install, open_media, upload,
};
use crate::Shop;
use crate::catalog::tests::{shop, staff};
use crate::schema::MIGRATIONS;
use crate::staff::Operator;

/// A photo of a dark thing on a sandy ground.
fn photo(width: u32, height: u32) -> DynamicImage {
    let thing =
        |x: u32, y: u32| x.abs_diff(width / 2) < width / 4 && y.abs_diff(height / 2) < height / 4;
    let pixel = |x, y| {
        if thing(x, y) {
            Rgb([40, 60, 50])
        } else {
            Rgb([226, 180, 154])
        }
    };
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, pixel))
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encoded(&photo(width, height), ImageFormat::Jpeg)
}

async fn sent(shop: &Shop, file: &[u8]) -> Result<Picture, UploadError> {
    upload(shop, staff(), Bytes::copy_from_slice(file)).await
}

async fn stored(shop: &Shop, picture: &Picture, width: u32) -> Bytes {
    open_media(shop, &picture.hash, width)
        .await
        .unwrap()
        .unwrap()
        .bytes
}

async fn count(shop: &Shop) -> i64 {
    let counted = shop
        .db
        .read(|tx| tx.query_one::<(i64,)>("SELECT COUNT(*) FROM media", params![]))
        .await;
    counted.unwrap().0
}

store_contract! {
    migrations = MIGRATIONS;

    async fn a_picture_is_kept_in_every_width_it_has(db: &Db) {
        let shop = shop(db);
        let picture = sent(&shop, &jpeg(1_000, 1_250)).await.unwrap();
        assert_eq!((picture.width, picture.height), (1_000, 1_250));
        assert_eq!(picture.widths.as_slice(), [320, 480, 640, 800, 1_000]);
        assert_eq!((picture.widths.at_least(700), picture.widths.at_least(5_000)), (800, 1_000));
        for width in picture.widths.as_slice() {
            let file = image::load_from_memory_with_format(&stored(&shop, &picture, *width).await, ImageFormat::WebP);
            let file = file.unwrap();
            assert_eq!((file.width(), file.height()), (*width, width * 5 / 4));
        }
        let ground = picture.ground.as_str();
        let part = |at: usize| u8::from_str_radix(&ground[at..at + 2], 16).unwrap();
        for (at, wanted) in [(1, 226_u8), (3, 180), (5, 154)] {
            assert!(part(at).abs_diff(wanted) < 6, "{ground}");
        }
        assert_eq!(open_media(&shop, &picture.hash, 321).await.unwrap(), None);
        assert_eq!(open_media(&shop, &ContentHash::of(b"another"), 320).await.unwrap(), None);
    }

    async fn the_same_bytes_sent_twice_are_one_picture(db: &Db) {
        let shop = shop(db);
        let file = jpeg(400, 500);
        let (first, second) = tokio::join!(sent(&shop, &file), sent(&shop, &file));
        assert_eq!(first.unwrap(), second.unwrap());
        let third = sent(&shop, &file).await.unwrap();
        assert_eq!(third.hash, ContentHash::of(&file));
        assert_eq!(count(&shop).await, 1);
    }
}

async fn on_sqlite<T>(test: impl AsyncFnOnce(Shop) -> T) -> T {
    let database = db::testing::TestDatabase::sqlite(MIGRATIONS).await;
    test(shop(&database)).await
}

#[tokio::test]
async fn small_and_odd_pictures_are_kept_as_they_are() {
    on_sqlite(async |shop| {
        for (width, height, widths) in [
            (1, 1, vec![1]),
            (200, 10, vec![200]),
            (320, 3, vec![320]),
            (5, 900, vec![5]),
            (1_601, 2, vec![320, 480, 640, 800, 1_200, 1_600]),
        ] {
            let picture = sent(&shop, &encoded(&photo(width, height), ImageFormat::Png))
                .await
                .unwrap();
            assert_eq!((picture.width, picture.height), (width, height));
            assert_eq!(picture.widths.as_slice(), widths);
        }
    })
    .await;
}

#[tokio::test]
async fn every_format_we_take_comes_out_as_webp() {
    on_sqlite(async |shop| {
        let rgba = DynamicImage::ImageRgba8(photo(64, 64).into_rgba8());
        for (picture, format) in [
            (photo(64, 64), ImageFormat::Jpeg),
            (photo(64, 64), ImageFormat::Png),
            (
                DynamicImage::ImageRgb16(photo(64, 65).into_rgb16()),
                ImageFormat::Png,
            ),
            (
                DynamicImage::ImageLuma8(photo(64, 66).into_luma8()),
                ImageFormat::Png,
            ),
            (photo(64, 64), ImageFormat::WebP),
            (rgba, ImageFormat::Gif),
        ] {
            let file = encoded(&picture, format);
            let picture = sent(&shop, &file).await.unwrap();
            let kept = stored(&shop, &picture, 64).await;
            assert!(
                kept.starts_with(b"RIFF") && kept[8..].starts_with(b"WEBP"),
                "{format:?}"
            );
            assert_ne!(&kept[..], &file[..], "what was sent is never what is kept");
        }
    })
    .await;
}

#[tokio::test]
async fn a_cut_out_stays_cut_out() {
    on_sqlite(async |shop| {
        let mut cut_out = RgbaImage::from_pixel(100, 100, Rgba([0, 0, 0, 0]));
        for pixel in cut_out.pixels_mut().skip(4_000).take(2_000) {
            *pixel = Rgba([200, 30, 30, 255]);
        }
        let file = encoded(&DynamicImage::ImageRgba8(cut_out), ImageFormat::Png);
        let picture = sent(&shop, &file).await.unwrap();
        let kept = image::load_from_memory(&stored(&shop, &picture, 100).await)
            .unwrap()
            .into_rgba8();
        assert_eq!(
            (kept.get_pixel(50, 5).0[3], kept.get_pixel(50, 50).0[3]),
            (0, 255)
        );
    })
    .await;
}

/// A JPEG with a note that it lies on its side (orientation 6), and where it was taken.
fn sideways_with_a_secret(width: u32, height: u32) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0\x02\0".to_vec();
    tiff.extend(b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"); // orientation: turn a quarter clockwise
    tiff.extend(b"\x0e\x01\x02\0\x20\0\0\0\x26\0\0\0"); // description: 32 bytes at 38
    tiff.extend(b"\0\0\0\0");
    tiff.extend(b"SECRET-52.3676N-4.9041E-SECRET..");
    let mut app1 = b"Exif\0\0".to_vec();
    app1.extend(tiff);
    let mut file = jpeg(width, height);
    let mut segment = vec![0xFF, 0xE1];
    segment.extend(u16::try_from(app1.len() + 2).unwrap().to_be_bytes());
    segment.extend(app1);
    file.splice(2..2, segment);
    file
}

#[tokio::test]
async fn photos_are_turned_upright_and_forget_where_they_were_taken() {
    on_sqlite(async |shop| {
        let file = sideways_with_a_secret(400, 300);
        assert!(file.windows(6).any(|part| part == b"SECRET"));
        let picture = sent(&shop, &file).await.unwrap();
        assert_eq!((picture.width, picture.height), (300, 400));
        for width in picture.widths.as_slice() {
            let kept = stored(&shop, &picture, *width).await;
            assert!(!kept.windows(6).any(|part| part == b"SECRET"));
            assert!(
                !kept
                    .windows(4)
                    .any(|part| part == b"EXIF" || part == b"Exif")
            );
        }
    })
    .await;
}

#[tokio::test]
async fn what_hides_in_or_behind_a_good_picture_is_left_behind() {
    on_sqlite(async |shop| {
        let script = b"<html><script>alert(1)</script></html>";
        let mut behind = jpeg(64, 64);
        behind.extend(script);
        let mut inside = jpeg(64, 65);
        let mut comment = vec![0xFF, 0xFE];
        comment.extend(u16::try_from(script.len() + 2).unwrap().to_be_bytes());
        comment.extend(script);
        inside.splice(2..2, comment);
        let mut zipped = encoded(&photo(64, 66), ImageFormat::Png);
        zipped.extend(b"PK\x03\x04evil.php");
        for file in [behind, inside, zipped] {
            let picture = sent(&shop, &file).await.unwrap();
            let kept = stored(&shop, &picture, 64).await;
            assert!(!hides_something(&kept));
        }
    })
    .await;
}

/// Whether one of the things the test hid is still there.
fn hides_something(kept: &[u8]) -> bool {
    let hidden = [&b"script"[..], b"PK\x03\x04", b"php"];
    let is_there = |hidden: &&[u8]| kept.windows(hidden.len()).any(|part| part == *hidden);
    hidden.iter().any(is_there)
}

fn png_chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
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
    let mut chunk = u32::try_from(content.len()).unwrap().to_be_bytes().to_vec();
    chunk.extend(kind);
    chunk.extend(content);
    chunk.extend((!crc).to_be_bytes());
    chunk
}

/// A PNG that says it is this large and holds next to nothing.
fn hollow_png(width: u32, height: u32) -> Vec<u8> {
    let mut header = width.to_be_bytes().to_vec();
    header.extend(height.to_be_bytes());
    header.extend([8, 6, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    file.extend(png_chunk(*b"IHDR", &header));
    file.extend(png_chunk(*b"IDAT", b"\x78\x9c\x03\x00\x00\x00\x00\x01"));
    file.extend(png_chunk(*b"IEND", b""));
    file
}

fn half(mut file: Vec<u8>) -> Vec<u8> {
    file.truncate(file.len() / 2);
    file
}

/// A lossy WebP, which `image` cannot write.
fn lossy_webp() -> Vec<u8> {
    webp::Encoder::from_rgb(photo(64, 64).into_rgb8().as_raw(), 64, 64)
        .encode(80.0)
        .to_vec()
}

fn poisoned() -> Vec<(&'static str, Vec<u8>, BadPicture)> {
    use BadPicture::{Broken, TooManyPixels};
    let gif = encoded(
        &DynamicImage::ImageRgba8(photo(64, 64).into_rgba8()),
        ImageFormat::Gif,
    );
    let png = encoded(&photo(64, 64), ImageFormat::Png);
    let mut flipped = png.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xFF;
    let mut html_png = b"\x89PNG\r\n\x1a\n".to_vec();
    html_png.extend(b"<html><script>alert(1)</script></html>");
    let mut bad_webp = lossy_webp();
    bad_webp.truncate(40);
    let mut huge_gif = gif.clone();
    huge_gif[6..10].copy_from_slice(&[0xFF; 4]);
    let mut huge_jpeg = jpeg(64, 64);
    let frame = huge_jpeg
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    huge_jpeg[frame + 5..frame + 9].copy_from_slice(&[0xFF; 4]);
    let mut files = not_pictures();
    files.extend([
        ("a page behind a PNG's first bytes", html_png, Broken),
        (
            "a JPEG's first bytes",
            b"\xff\xd8\xff\xe0\0\x10JFIF\0".to_vec(),
            Broken,
        ),
        ("half a JPEG", half(jpeg(64, 64)), Broken),
        ("half a PNG", half(png), Broken),
        ("half a GIF", half(gif), Broken),
        ("half a WebP", half(lossy_webp()), Broken),
        ("a WebP with nothing in it", bad_webp, Broken),
        ("a PNG with a flipped byte", flipped, Broken),
        ("a hollow PNG of a fair size", hollow_png(600, 600), Broken),
        (
            "a PNG of 50,000 by 50,000",
            hollow_png(50_000, 50_000),
            TooManyPixels,
        ),
        (
            "a PNG of 15,000 by 15,000",
            hollow_png(15_000, 15_000),
            TooManyPixels,
        ),
        ("a PNG without height", hollow_png(600, 0), Broken),
        ("a GIF of 65,535 by 65,535", huge_gif, TooManyPixels),
        ("a JPEG of 65,535 by 65,535", huge_jpeg, TooManyPixels),
    ]);
    files
}

fn not_pictures() -> Vec<(&'static str, Vec<u8>, BadPicture)> {
    use BadPicture::NotAPicture;
    vec![
        ("nothing", Vec::new(), NotAPicture),
        (
            "a letter",
            b"Dear shop, here is my picture".to_vec(),
            NotAPicture,
        ),
        (
            "an SVG",
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec(),
            NotAPicture,
        ),
        (
            "a page",
            b"<!doctype html><script>alert(1)</script>".to_vec(),
            NotAPicture,
        ),
        (
            "a BMP",
            b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0".to_vec(),
            NotAPicture,
        ),
        (
            "an icon",
            b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0".to_vec(),
            NotAPicture,
        ),
        (
            "an archive",
            b"PK\x03\x04\x14\0\0\0\x08\0".to_vec(),
            NotAPicture,
        ),
        ("a program", b"\x7fELF\x02\x01\x01\0".to_vec(), NotAPicture),
    ]
}

#[tokio::test]
async fn poisoned_files_are_refused_and_nothing_is_kept() {
    on_sqlite(async |shop| {
        for (name, file, reason) in poisoned() {
            match sent(&shop, &file).await {
                Err(UploadError::BadPicture(refusal)) => assert_eq!(refusal, reason, "{name}"),
                other => panic!("{name}: {other:?}"),
            }
            assert_eq!(
                open_media(&shop, &ContentHash::of(&file), 64)
                    .await
                    .unwrap(),
                None,
                "{name}"
            );
        }
        assert_eq!(count(&shop).await, 0);
    })
    .await;
}

#[tokio::test]
async fn files_over_the_limit_are_refused_unread() {
    on_sqlite(async |shop| {
        let mut file = jpeg(64, 64);
        file.resize(super::limits::BYTES, 0);
        sent(&shop, &file).await.unwrap();
        file.push(0);
        let refused = sent(&shop, &file).await.unwrap_err();
        assert!(
            matches!(refused, UploadError::BadPicture(BadPicture::TooLarge)),
            "{refused}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_picture_that_comes_ready_is_kept_as_it_is_if_it_is_what_it_says() {
    on_sqlite(async |shop| {
        let webp = |width| Bytes::from(encoded(&photo(width, width * 2), ImageFormat::WebP));
        let ready = |files| ReadyPicture {
            files,
            ground: Color::from_rgb(1, 2, 3),
        };
        let operator = Operator::at_the_command_line();
        let good = ready(vec![(20, webp(20)), (40, webp(40))]);
        let picture = install(&shop, operator.may(), good.clone()).await.unwrap();
        assert_eq!(
            (picture.width, picture.height, picture.widths.as_slice()),
            (40, 80, &[20, 40][..])
        );
        assert_eq!(stored(&shop, &picture, 20).await, webp(20));
        assert_eq!(install(&shop, operator.may(), good).await.unwrap(), picture);
        let jpeg = Bytes::from(jpeg(30, 30));
        for wrong in [
            vec![],
            vec![(21, webp(20)), (50, webp(50))],
            vec![(30, jpeg)],
        ] {
            assert!(install(&shop, operator.may(), ready(wrong)).await.is_err());
        }
        assert_eq!(count(&shop).await, 1);
    })
    .await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_picture_damaged_anywhere_is_refused_or_read_and_never_a_fault_of_ours(
        kind in 0_usize..5,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        thread_local! {
            static GOOD: [Vec<u8>; 5] = [
                jpeg(24, 24),
                encoded(&photo(24, 24), ImageFormat::Png),
                encoded(&photo(24, 24), ImageFormat::WebP),
                encoded(&DynamicImage::ImageRgba8(photo(24, 24).into_rgba8()), ImageFormat::Gif),
                lossy_webp(),
            ];
        }
        let mut file = GOOD.with(|good| good[kind].clone());
        for (place, byte) in damage {
            let place = place.index(file.len());
            file[place] = byte;
        }
        if is_cut {
            file.truncate(cut.index(file.len()));
        }
        // Either answer is right. A panic, a hang or a runaway allocation is not.
        if let Ok(prepared) = super::prepare::prepare(&file) {
            prop_assert!(prepared.width > 0 && prepared.height > 0 && !prepared.files.is_empty());
        }
    }
}
