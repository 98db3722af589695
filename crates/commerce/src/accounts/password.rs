//! Passwords: which may be chosen, and what is kept of them.
//!
//! NIST SP 800-63B: a length, no rules about its letters, and none of those that everybody tries first.

use std::fmt;
use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use kernel::Email;

use crate::error::Internal;

/// Fewest characters of a password.
pub const PASSWORD_SHORTEST: usize = 12;
/// Most characters of a password.
pub const PASSWORD_LONGEST: usize = 128;

/// Names shorter than this may be in a password: every other word would hold them.
const NAME_SHORTEST: usize = 4;

/// What somebody typed as a password. It shows in no log.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// As it was typed.
    pub fn typed(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether it may be chosen by somebody with this address in a shop of this name.
    pub(super) fn check(&self, shop: &str, email: &Email) -> Result<(), PasswordError> {
        let length = self.0.chars().count();
        if length < PASSWORD_SHORTEST {
            return Err(PasswordError::TooShort);
        }
        if length > PASSWORD_LONGEST {
            return Err(PasswordError::TooLong);
        }
        let folded = self.0.to_lowercase();
        if is_common(&folded) {
            return Err(PasswordError::TooCommon);
        }
        let address = email.folded();
        let (local, domain) = address.rsplit_once('@').unwrap_or((&address, ""));
        let domain = domain.split('.').next().unwrap_or("");
        let shop = shop.to_lowercase();
        let names = [shop.trim(), local, domain];
        if names
            .iter()
            .any(|name| name.chars().count() >= NAME_SHORTEST && folded.contains(name))
        {
            return Err(PasswordError::Guessable);
        }
        Ok(())
    }

    /// What is kept of it: argon2id with a salt of its own, as a PHC string. Slow, and meant to be.
    pub(super) fn hash(&self) -> Result<String, Internal> {
        let mut salt = [0_u8; 16];
        getrandom::fill(&mut salt)
            .map_err(|error| Internal::bug(format!("no random bytes: {error}")))?;
        self.hash_with(&salt)
    }

    fn hash_with(&self, salt: &[u8]) -> Result<String, Internal> {
        let hash: PasswordHash = hasher()?
            .hash_password_with_salt(self.0.as_bytes(), salt)
            .map_err(|error| Internal::bug(format!("a password cannot be hashed: {error}")))?;
        Ok(hash.to_string())
    }

    /// Whether it is the one that `kept` was made of. Takes as long if there is none.
    pub(super) fn matches(&self, kept: Option<&str>) -> bool {
        let hash = kept.unwrap_or(&NOBODYS);
        let right = PasswordHash::new(hash).is_ok_and(|hash| {
            hasher().is_ok_and(|hasher| hasher.verify_password(self.0.as_bytes(), &hash).is_ok())
        });
        right && kept.is_some()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// The hash that is worked on where there is none, so that no account differs from another in how long it takes.
static NOBODYS: LazyLock<String> = LazyLock::new(|| {
    Password::typed("nobody has this password")
        .hash_with(b"nobody's salt 16")
        .unwrap_or_default()
});

/// RFC 9106, in the smallest size OWASP recommends: 19 MiB, two passes, one lane.
fn hasher() -> Result<Argon2<'static>, Internal> {
    let params = Params::new(19 * 1_024, 2, 1, None)
        .map_err(|error| Internal::bug(format!("argon2 refuses its parameters: {error}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Why a password cannot be chosen. The message says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Shorter than [`PASSWORD_SHORTEST`].
    #[error("use at least 12 characters; a few words with spaces are fine")]
    TooShort,
    /// Longer than [`PASSWORD_LONGEST`].
    #[error("use at most 128 characters")]
    TooLong,
    /// One of those that everybody tries first.
    #[error("this is one of the passwords that are tried first; choose another")]
    TooCommon,
    /// It holds the name of the shop or the e-mail address.
    #[error("leave out the name of the shop and your e-mail address")]
    Guessable,
}

/// The words that make up the commonest long passwords. Most of the famous ones are too short to be chosen anyway.
const COMMON: &[&str] = &[
    "abc",
    "abcd",
    "abcdef",
    "abcdefgh",
    "abcdefghijkl",
    "access",
    "admin",
    "administrator",
    "asdf",
    "asdfgh",
    "asdfghjkl",
    "asdfghjklqwertyuiop",
    "azerty",
    "azertyuiop",
    "baseball",
    "batman",
    "changeme",
    "charlie",
    "computer",
    "correcthorsebatterystaple",
    "default",
    "donald",
    "dragon",
    "fluffy",
    "football",
    "forever",
    "freedom",
    "fuckyou",
    "guest",
    "hallo",
    "hello",
    "hunter",
    "ihateyou",
    "iloveyou",
    "internet",
    "jesus",
    "jordan",
    "letmein",
    "liverpool",
    "login",
    "lovely",
    "loveyou",
    "manager",
    "master",
    "michael",
    "monkey",
    "mypassword",
    "mysecurepassword",
    "mustang",
    "ninja",
    "nothing",
    "owner",
    "pass",
    "passphrase",
    "passw",
    "passwd",
    "password",
    "passwort",
    "pokemon",
    "princess",
    "qazwsx",
    "qazwsxedc",
    "qazwsxedcrfv",
    "qwaszx",
    "qwe",
    "qwer",
    "qwert",
    "qwerty",
    "qwertyui",
    "qwertyuiop",
    "qwertyuiopasdfghjkl",
    "qwertz",
    "qwertzuiop",
    "root",
    "samsung",
    "secret",
    "server",
    "shadow",
    "shop",
    "starwars",
    "summer",
    "sunshine",
    "superman",
    "superuser",
    "system",
    "temp",
    "temporary",
    "test",
    "testing",
    "thisismypassword",
    "trustno",
    "user",
    "vitrine",
    "wachtwoord",
    "webmaster",
    "welcome",
    "whatever",
    "winter",
    "zaq",
    "zaqwsx",
    "zxcvbn",
    "zxcvbnm",
];

/// Whether it is one of the commonest: such words, in a row or repeated, with digits and signs around them; or hardly more
/// than one letter, or a run along the keyboard's digits.
fn is_common(folded: &str) -> bool {
    let mut distinct: Vec<char> = folded.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() <= 3 {
        return true;
    }
    // Digits before and behind are decoration; between letters they stand for some.
    let read: String = folded
        .trim_matches(|c: char| !c.is_alphabetic() && c != '@' && c != '$')
        .chars()
        .map(|c| match c {
            '@' => 'a',
            '0' => 'o',
            '$' => 's',
            '3' => 'e',
            other => other,
        })
        .collect();
    [folded, read.as_str()].into_iter().any(|text| {
        let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
        let digits = text.chars().filter(char::is_ascii_digit).count();
        if letters.is_empty() {
            return digits == text.chars().count() && is_run(text);
        }
        is_made_of_common_words(&letters)
    })
}

/// Whether each digit is one more or less than the one before, or they repeat within four places.
fn is_run(digits: &str) -> bool {
    let values: Vec<i32> = digits.bytes().map(i32::from).collect();
    let step = |by: i32| {
        values.iter().zip(values.iter().skip(1)).all(|(a, b)| {
            let expected = (a - i32::from(b'0') + by).rem_euclid(10);
            b - i32::from(b'0') == expected
        })
    };
    let repeats = |every: usize| {
        values
            .iter()
            .zip(values.iter().skip(every))
            .all(|(a, b)| a == b)
    };
    step(1) || step(-1) || (1..=4).any(repeats)
}

/// Whether the letters are nothing but common words.
fn is_made_of_common_words(letters: &str) -> bool {
    // reach[n]: the first n bytes are words.
    let mut reach = vec![0_usize];
    for end in 1..=letters.len() {
        let made = reach.iter().any(|start| {
            letters
                .get(*start..end)
                .is_some_and(|part| COMMON.contains(&part))
        });
        if made {
            reach.push(end);
        }
    }
    reach.contains(&letters.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str) -> Result<(), PasswordError> {
        let email = Email::parse("ines.vermeer@postbus.example").unwrap();
        Password::typed(password).check("Wrenfold", &email)
    }

    #[test]
    fn a_password_is_long_enough_and_anything_else_is_its_owners_business() {
        assert_eq!(check("elf chars !"), Err(PasswordError::TooShort));
        assert_eq!(check("kleine vogel"), Ok(()));
        assert_eq!(check("ßßøø éñ 雨が降る夜"), Ok(()));
        assert_eq!(check(&"een regel proza ".repeat(8)), Ok(()));
        assert_eq!(
            check(&"een regel proza ".repeat(9)),
            Err(PasswordError::TooLong)
        );
        assert_eq!(check("horse sits on a wall"), Ok(()));
    }

    #[test]
    fn what_everybody_tries_first_is_refused() {
        for common in [
            "password1234",
            "Password2026!",
            "p@ssw0rd2026!",
            "passwordpassword",
            "123456789012",
            "098765432109",
            "121212121212",
            "aaaaaaaaaaaa",
            "qwertyuiop12",
            "correct horse battery staple",
            "Welcome-2026-Welcome",
            "iloveyou1234",
            "letmeinletmein",
            "administrator",
        ] {
            assert_eq!(check(common), Err(PasswordError::TooCommon), "{common}");
        }
    }

    #[test]
    fn what_is_known_about_the_shop_and_the_person_is_refused() {
        for guessable in [
            "wrenfold forever",
            "INES.VERMEER and co",
            "my own postbus key",
        ] {
            assert_eq!(
                check(guessable),
                Err(PasswordError::Guessable),
                "{guessable}"
            );
        }
    }

    #[test]
    fn what_is_kept_is_argon2id_and_never_twice_the_same() {
        let password = Password::typed("een blauwe kom met thee");
        let (first, second) = (password.hash().unwrap(), password.hash().unwrap());
        assert!(
            first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{first}"
        );
        assert_ne!(first, second);
        assert!(password.matches(Some(&first)) && password.matches(Some(&second)));
        assert!(!Password::typed("een blauwe kom met the").matches(Some(&first)));
        assert!(!Password::typed("nobody has this password").matches(None));
        assert!(!password.matches(Some("not a hash at all")));
        assert_eq!(format!("{password:?}"), "Password(…)");
    }
}
