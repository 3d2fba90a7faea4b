//! Addresses as auditors see them: enough to tell one from the other, too little to write to. Comes from deliveries and what providers
//! said of them, goes to whoever shows these to people. Pure.

/// An address without what makes it one: `n***@tsh.example`, `***567`.
#[must_use]
pub fn address(address: &str) -> String {
    if let Some((name, domain)) = address.rsplit_once('@') {
        let first: String = name.chars().take(1).collect();
        return format!("{first}***@{domain}");
    }
    let length = address.chars().count();
    // Of a short one, three characters would be most of it.
    let shown = if length > 6 { 3 } else { 0 };
    let end: String = address.chars().skip(length - shown).collect();
    format!("***{end}")
}

/// A text of a provider without addresses: the delivery's own, and whatever looks like one of a mailbox.
#[must_use]
pub fn text(text: &str, own: Option<&str>) -> String {
    let text = match own.filter(|own| !own.is_empty()) {
        Some(own) => text.replace(own, &address(own)),
        None => text.to_owned(),
    };
    let mut masked = String::with_capacity(text.len());
    let mut word = String::new();
    // Mailboxes stand between spaces, brackets and quotes.
    let flush = |word: &mut String, masked: &mut String| {
        if word.contains('@') {
            masked.push_str(&address(word));
        } else {
            masked.push_str(word);
        }
        word.clear();
    };
    for c in text.chars() {
        if c.is_whitespace() || "<>()[]\"',;:".contains(c) {
            flush(&mut word, &mut masked);
            masked.push(c);
        } else {
            word.push(c);
        }
    }
    flush(&mut word, &mut masked);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_what_tells_it_from_others() {
        assert_eq!(address("nadia@tsh.example"), "n***@tsh.example");
        assert_eq!(address("ناديا@tsh.example"), "ن***@tsh.example");
        assert_eq!(address("@tsh.example"), "***@tsh.example");
        assert_eq!(address("+9647701234567"), "***567");
        assert_eq!(address("12345"), "***");
        assert_eq!(address(""), "***");
    }

    #[test]
    fn what_a_provider_said_is_kept_but_for_addresses() {
        let said =
            "550 5.1.1 <nadia@tsh.example>: no such user (nadia@tsh.example); ask +9647701234567";
        assert_eq!(
            text(said, Some("+9647701234567")),
            "550 5.1.1 <n***@tsh.example>: no such user (n***@tsh.example); ask ***567"
        );
        assert_eq!(text("no_address", None), "no_address");
    }
}
