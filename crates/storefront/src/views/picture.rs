//! Pictures with their addresses.

use commerce::catalog::ProductPicture;
use commerce::media::Picture;

use super::PictureView;

/// A picture with the words for those who do not see it.
pub(crate) fn picture(picture: &Picture, alt: &str) -> PictureView {
    let widths: Vec<i64> = picture
        .widths
        .as_slice()
        .iter()
        .copied()
        .map(i64::from)
        .collect();
    let size = (i64::from(picture.width), i64::from(picture.height));
    PictureView::new(
        picture.hash.as_str(),
        size,
        &widths,
        (picture.ground.to_string(), alt.to_owned()),
    )
}

/// A product's picture; described by the product's name where the merchant has not described it.
pub(crate) fn product_picture(found: &ProductPicture, name: &str) -> PictureView {
    picture(
        &found.picture,
        if found.alt.is_empty() {
            name
        } else {
            &found.alt
        },
    )
}
