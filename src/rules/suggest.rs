//! "Did you mean …": the nearest of the words that would have been right. Used wherever a rule names something unknown.

/// ` (did you mean `title`?)`, or nothing when no word is near.
pub(crate) fn did_you_mean(word: &str, words: &[&str]) -> String {
    let word = word.to_ascii_lowercase();
    let allowed = match word.chars().count() {
        0..=3 => 1,
        4..=8 => 2,
        _ => 3,
    };
    words
        .iter()
        .map(|known| {
            // `branch` for `branch_id`, `emails` for `email`: one begins with the other.
            let begins = word.len() >= 4
                && (known.starts_with(&word) || (known.len() >= 4 && word.starts_with(known)));
            (
                distance(&word, known).min(if begins { allowed } else { usize::MAX }),
                known,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map_or_else(String::new, |(_, known)| {
            format!(" (did you mean `{known}`?)")
        })
}

/// The same for what may well be another word: one that merely begins like it isn't meant.
pub(crate) fn did_you_misspell(word: &str, words: &[&str]) -> String {
    let is_part = |a: &str, b: &str| a.starts_with(b) || b.starts_with(a);
    let others: Vec<&str> = words
        .iter()
        .copied()
        .filter(|known| !is_part(known, word))
        .collect();
    did_you_mean(word, &others)
}

/// Levenshtein's distance; words are short.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 64 {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let kept = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = kept.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_suggested_and_a_far_one_is_not() {
        let words = ["title", "body", "recipient_roles", "severity"];
        assert_eq!(did_you_mean("titel", &words), " (did you mean `title`?)");
        assert_eq!(
            did_you_mean("recipients_roles", &words),
            " (did you mean `recipient_roles`?)"
        );
        assert_eq!(
            did_you_mean("Severity", &words),
            " (did you mean `severity`?)"
        );
        assert_eq!(did_you_mean("colour", &words), "");
        assert_eq!(did_you_mean("", &words), "");
    }
}
