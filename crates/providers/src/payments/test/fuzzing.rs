//! Notices, which anybody can send.

use kernel::Timestamp;

use super::notices::{Key, read};

/// A notice counts only with this gateway's signature, made of this very body within the last minutes.
pub fn payment_notices(bytes: &[u8]) {
    let (key, now) = (Key::new([3; 32]), Timestamp::from_millis(1_780_000_000_000));
    let place = bytes.iter().position(|byte| *byte == b'\n');
    let (header, body) = bytes.split_at(place.unwrap_or(0));
    let header = String::from_utf8_lossy(header);
    if read(&key, (&header, body), now).is_ok() {
        assert_eq!(key.sign(now, body), header, "a signature nobody made");
    }
    let signature = key.sign(now, bytes);
    if let Ok(notice) = read(&key, (&signature, bytes), now) {
        assert!(notice.event_id.len() <= bytes.len());
        let later = now.plus(2 * super::notices::TOLERANCE);
        assert!(
            read(&key, (&signature, bytes), later).is_err(),
            "a notice of yesterday"
        );
        let other = Key::new([4; 32]);
        assert!(read(&other, (&signature, bytes), now).is_err());
        let mut longer = bytes.to_vec();
        longer.push(b' ');
        assert!(read(&key, (&signature, &longer), now).is_err());
    }
}
