//! The structured creditor reference of ISO 11649, which banks carry with a transfer and check: `RF18 5390 0754 7034`.

/// Most characters after `RF` and the two check digits.
const LONGEST: usize = 21;

/// The reference that carries `text`: `RF`, two check digits, and the text's letters and digits in upper case.
///
/// `None` if nothing is left of the text, or more than 21 characters.
pub fn creditor_reference(text: &str) -> Option<String> {
    let body: String = text
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    if body.is_empty() || body.len() > LONGEST {
        return None;
    }
    let check = 98_u32.checked_sub(remainder(&format!("{body}RF00"))?)?;
    Some(format!("RF{check:02}{body}"))
}

/// Whether `reference` is one, its check digits included. Spaces may be anywhere, letters in either case.
pub fn is_creditor_reference(reference: &str) -> bool {
    let compact: String = reference
        .chars()
        .filter(|c| *c != ' ')
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let Some((head, body)) = compact.split_at_checked(4) else {
        return false;
    };
    let checked = head
        .strip_prefix("RF")
        .is_some_and(|check| check.bytes().all(|byte| byte.is_ascii_digit()));
    let fits = (1..=LONGEST).contains(&body.len());
    checked && fits && remainder(&format!("{body}{head}")) == Some(1)
}

/// The text as one long number, with A as 10 up to Z as 35, modulo 97 (ISO 7064). `None` if it has other characters.
fn remainder(text: &str) -> Option<u32> {
    text.chars().try_fold(0_u32, |so_far, c| {
        let value = c.to_digit(36).filter(|_| !c.is_ascii_lowercase())?;
        let shift = if value < 10 { 10 } else { 100 };
        so_far
            .checked_mul(shift)?
            .checked_add(value)?
            .checked_rem(97)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_references_come_out_with_their_check_digits() {
        for known in [
            "RF18539007547034",
            "RF712348231",
            "RF45G72UUR",
            "RF6518K5",
            "RF18000000000539007547034",
        ] {
            assert!(is_creditor_reference(known), "{known}");
            assert_eq!(creditor_reference(&known[4..]).as_deref(), Some(known));
        }
        assert!(is_creditor_reference("rf18 5390 0754 7034"));
    }

    #[test]
    fn a_digit_taken_for_another_or_a_letter_for_another_is_noticed() {
        let reference = creditor_reference("7ZK3M9QX2VBT").unwrap();
        for (at, right) in reference.char_indices().skip(2) {
            let alphabet = if right.is_ascii_digit() {
                "0123456789"
            } else {
                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
            };
            for other in alphabet.chars().filter(|other| *other != right) {
                let mut wrong = reference.clone();
                wrong.replace_range(at..=at, &other.to_string());
                assert!(!is_creditor_reference(&wrong), "{wrong} for {reference}");
            }
        }
    }

    #[test]
    fn two_neighbours_of_one_kind_swapped_are_noticed() {
        let reference = creditor_reference("7412ZKMQ9358XVBT").unwrap();
        for at in 2..reference.len() - 1 {
            let mut swapped: Vec<char> = reference.chars().collect();
            if swapped[at] == swapped[at + 1]
                || swapped[at].is_ascii_digit() != swapped[at + 1].is_ascii_digit()
            {
                continue;
            }
            swapped.swap(at, at + 1);
            assert!(
                !is_creditor_reference(&swapped.into_iter().collect::<String>()),
                "swapped at {at} in {reference}"
            );
        }
    }

    #[test]
    fn nothing_and_too_much_make_no_reference() {
        assert_eq!(creditor_reference(" - "), None);
        assert_eq!(creditor_reference(&"1".repeat(22)), None);
        assert!(creditor_reference(&"1".repeat(21)).is_some());
        assert!(!is_creditor_reference("RF18"));
        assert!(!is_creditor_reference(""));
        assert!(!is_creditor_reference("RFé8539007547034"));
        assert!(!is_creditor_reference("RF18539007547034É"));
    }
}
