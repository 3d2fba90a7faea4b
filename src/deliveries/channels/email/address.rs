//! Addresses: the sender's from the settings, the recipient's from the delivery. What passes here can stand in a header
//! and in an SMTP command without changing their meaning.

use lettre::Address;
use lettre::message::Mailbox;

/// Longest subject or name put into a header, in characters.
const MAX_WORDS: usize = 200;

/// The sender of `NEUROLINK_EMAIL_FROM`: `erp@tsh.example`, `TSH ERP <erp@tsh.example>`, the name quoted or not.
/// Only ASCII addresses: every server we meet must be able to take the sender.
pub(super) fn parse_sender(text: &str) -> Result<Mailbox, String> {
    let text = text.trim();
    let (name, address) = match text.strip_suffix('>').and_then(|t| t.rsplit_once('<')) {
        Some((name, address)) => (name.trim(), address),
        None => ("", text),
    };
    let name = name
        .strip_prefix('"')
        .and_then(|n| n.strip_suffix('"'))
        .map_or_else(|| name.to_owned(), |n| n.replace("\\\"", "\""));
    let address = parse(address).map_err(|why| {
        format!("`{text}` is no sender ({why}); write `TSH ERP <erp@tsh.example>`")
    })?;
    if !AsRef::<str>::as_ref(&address).is_ascii() {
        return Err(format!(
            "`{text}` has letters outside of ASCII; write an international domain in its xn-- form"
        ));
    }
    Ok(Mailbox::new(named(&name), address))
}

/// An address, or why it is none.
pub(super) fn parse(text: &str) -> Result<Address, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.len() > 254 {
        return Err("it is longer than 254 bytes");
    }
    // A quoted local part may legally hold these; no real mailbox does, and they are how commands are smuggled in.
    if text
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || "<>\"(),;\\".contains(c))
    {
        return Err("it holds a character no address has");
    }
    text.parse().map_err(|_| "it isn't of the form name@domain")
}

/// A display name, or none when nothing is left of it.
pub(super) fn named(name: &str) -> Option<String> {
    let name = one_line(name);
    (!name.is_empty()).then_some(name)
}

/// The text as one line: whatever breaks or steers a line becomes a space, runs of spaces one, long texts are cut.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(4 * MAX_WORDS));
    let mut count = 0;
    for word in text.split(|c: char| {
        c.is_whitespace() || c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
    }) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
            count += 1;
        }
        for c in word.chars() {
            if count == MAX_WORDS - 1 {
                line.push('…');
                return line;
            }
            line.push(c);
            count += 1;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_are_read_with_and_without_a_name() {
        for (text, name) in [
            ("erp@tsh.example", None),
            ("TSH ERP <erp@tsh.example>", Some("TSH ERP")),
            ("\"TSH, ERP\" <erp@tsh.example>", Some("TSH, ERP")),
            ("TSH, ERP <erp@tsh.example>", Some("TSH, ERP")),
            ("نظام تي إس إتش <erp@tsh.example>", Some("نظام تي إس إتش")),
        ] {
            let sender = parse_sender(text).unwrap();
            assert_eq!(sender.name.as_deref(), name, "{text}");
            assert_eq!(sender.email.to_string(), "erp@tsh.example");
        }
        for text in [
            "",
            "erp",
            "TSH <>",
            "erp@بريد.example",
            "a@b.c\r\nBcc: x@y.z",
        ] {
            assert!(parse_sender(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_that_could_end_a_command_are_refused() {
        for text in [
            "a@b.example>\r\nRCPT TO:<c@d.example",
            "a b@c.example",
            "\"a b\"@c.example",
            "a@b.example,c@d.example",
            "a",
            "@b.example",
            "a@",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("sara@tsh.example").is_ok());
        assert!(parse("سارة@tsh.example").is_ok());
    }

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(
            one_line(" A\r\nBcc: x@y.z\u{2028}B\u{85}C\0 "),
            "A Bcc: x@y.z B C"
        );
        assert_eq!(one_line(&"x".repeat(500)).chars().count(), MAX_WORDS);
        assert_eq!(one_line("\r\n"), "");
    }
}
