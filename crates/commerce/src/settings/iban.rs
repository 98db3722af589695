//! Account numbers (ISO 13616).

/// Why something is no account number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IbanError {
    /// Not in the shape of one.
    #[error("an IBAN begins with two letters and two digits, such as NL91 ABNA 0417 1643 00")]
    Shape,
    /// Its check digits do not fit: a slip in typing.
    #[error("this IBAN has a slip in it: its check digits do not fit the rest")]
    Checksum,
}

/// Reads an IBAN as people write it, and answers with it in groups of four.
pub(crate) fn parse(text: &str) -> Result<String, IbanError> {
    let letters: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_uppercase)
        .collect();
    let (head, rest) = letters.split_at_checked(4).ok_or(IbanError::Shape)?;
    let (country, digits) = head.split_at_checked(2).ok_or(IbanError::Shape)?;
    let fits = (15..=34).contains(&letters.len())
        && country.bytes().all(|b| b.is_ascii_uppercase())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && rest.bytes().all(|b| b.is_ascii_alphanumeric());
    if !fits {
        return Err(IbanError::Shape);
    }
    // The first four go to the end, letters count from 10 up, and the whole number leaves 1 when divided by 97.
    let remainder = rest
        .chars()
        .chain(head.chars())
        .filter_map(|c| c.to_digit(36))
        .fold(0_u32, |remainder, value| {
            let shifted = if value < 10 { 10 } else { 100 };
            (remainder * shifted + value) % 97
        });
    if remainder != 1 {
        return Err(IbanError::Checksum);
    }
    let mut grouped = String::with_capacity(42);
    for (place, letter) in letters.chars().enumerate() {
        if place > 0 && place % 4 == 0 {
            grouped.push(' ');
        }
        grouped.push(letter);
    }
    Ok(grouped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_numbers_are_read_however_they_are_spaced() {
        for typed in [
            "NL91ABNA0417164300",
            "nl91 abna 0417 1643 00",
            " NL91 ABNA 0417164300 ",
        ] {
            assert_eq!(parse(typed).unwrap(), "NL91 ABNA 0417 1643 00", "{typed}");
        }
        for good in [
            "DE89370400440532013000",
            "BE68539007547034",
            "GB82WEST12345698765432",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_slip_in_an_account_number_is_noticed() {
        let right = "NL91ABNA0417164300";
        for place in 4..right.len() {
            let mut letters: Vec<char> = right.chars().collect();
            letters[place] = if letters[place] == '7' { '8' } else { '7' };
            let wrong: String = letters.into_iter().collect();
            assert_eq!(parse(&wrong), Err(IbanError::Checksum), "{wrong}");
        }
        for shapeless in [
            "",
            "NL91",
            "91NLABNA0417164300",
            "NL91ABNA04171643é0",
            "0417164300",
        ] {
            assert_eq!(parse(shapeless), Err(IbanError::Shape), "{shapeless}");
        }
    }
}
