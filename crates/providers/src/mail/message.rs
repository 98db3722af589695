//! From a letter to a message as it goes over the wire.

use commerce::ports::mail::{Letter, MailError};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use url::Host;

/// The letter as a message: from the configured sender, or else from the shop's own address.
pub(super) fn compose(letter: &Letter, sender: Option<&Address>) -> Result<Message, MailError> {
    let never = |why: &str| MailError::Never(why.to_owned());
    let reply_to = letter.reply_to.as_deref().map(|text| {
        to_address(text).ok_or_else(|| never("the shop's own address is not a mail address"))
    });
    let reply_to = reply_to.transpose()?;
    // Not the letter's fault: it goes out once there is a sender.
    let sender = sender.or(reply_to.as_ref()).cloned().ok_or_else(|| {
        MailError::Later("there is no address to send from: give the shop a mail address, or the mail server's settings a sender".to_owned())
    })?;
    let to = to_address(&letter.to)
        .ok_or_else(|| never("the receiver's address is not a mail address"))?;
    let message_id = format!(
        "<{}@{}>",
        word(&letter.id).ok_or_else(|| never("its id is not a word"))?,
        sender.domain()
    );
    let mut builder = Message::builder()
        .from(Mailbox::new(one_line(&letter.from_name), sender.clone()))
        .to(Mailbox::new(None, to))
        .subject(one_line(&letter.subject).unwrap_or_default())
        .message_id(Some(message_id))
        // Keeps holiday answers and the like from answering a shop (RFC 3834).
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    if let Some(reply_to) = reply_to.filter(|reply_to| *reply_to != sender) {
        builder = builder.reply_to(Mailbox::new(one_line(&letter.from_name), reply_to));
    }
    builder
        .multipart(MultiPart::alternative_plain_html(
            letter.text.clone(),
            letter.html.clone(),
        ))
        .map_err(|error| MailError::Never(error.to_string()))
}

/// An address as it goes over the wire: a domain in another script in its ASCII form, which every server knows.
pub(super) fn to_address(text: &str) -> Option<Address> {
    let (user, domain) = text.rsplit_once('@')?;
    let domain = if domain.is_ascii() {
        domain.to_owned()
    } else {
        Host::parse(domain).ok()?.to_string()
    };
    let single_line = !user.chars().chain(domain.chars()).any(char::is_control);
    Address::new(user, domain).ok().filter(|_| single_line)
}

/// The text in one line, without control characters: a header cannot be ended by what is in it.
fn one_line(text: &str) -> Option<String> {
    let printable = text.replace(char::is_control, " ");
    let line = printable.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then_some(line)
}

/// What may stand before the @ of a Message-ID.
fn word(id: &str) -> Option<&str> {
    let fits = !id.is_empty()
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    fits.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_in_another_script_goes_out_in_its_ascii_form() {
        assert_eq!(
            to_address("post@bücher.example").unwrap().to_string(),
            "post@xn--bcher-kva.example"
        );
        assert_eq!(
            to_address("post@shop.example").unwrap().to_string(),
            "post@shop.example"
        );
        for wrong in [
            "",
            "post",
            "@shop.example",
            "post@",
            "a b@shop.example",
            "a@b@shop.example",
            "a\r\nBcc: b@c.example",
        ] {
            assert_eq!(to_address(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn line_breaks_in_a_header_become_spaces() {
        assert_eq!(
            one_line("Order\r\nBcc: x@y.example").as_deref(),
            Some("Order Bcc: x@y.example")
        );
        assert_eq!(
            one_line("a\u{0}b\u{7f}c\u{85}d").as_deref(),
            Some("a b c d")
        );
        assert_eq!(one_line(" \r\n"), None);
    }

    #[test]
    fn without_any_sender_a_mail_waits() {
        let letter = Letter {
            id: "mail_1".to_owned(),
            from_name: "Shop".to_owned(),
            reply_to: None,
            to: "buyer@example.com".to_owned(),
            subject: "Hello".to_owned(),
            html: "<p>Hello</p>".to_owned(),
            text: "Hello".to_owned(),
        };
        assert!(matches!(compose(&letter, None), Err(MailError::Later(_))));
        assert!(matches!(
            compose(
                &Letter {
                    id: "a>\r\nX: y".to_owned(),
                    ..letter
                },
                to_address("a@b.example").as_ref()
            ),
            Err(MailError::Never(_))
        ));
    }
}
