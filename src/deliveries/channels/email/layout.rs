//! How a mail looks: the plain text, and the HTML around it (`layout.html`: tables and inline styles, since mail
//! clients drop style sheets; colours with a contrast of at least 4.5, and the severity as a word, not only a colour).
//! From a delivery's texts to the two alternatives of a mail. Pure.

use handlebars::Handlebars;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;

use super::address::one_line;
use super::language::Language;
use crate::deliveries::model::{Outgoing, SendError};
use crate::kernel::{Error, Result, Severity};

/// What may not stand in a link as it is. `%` may: the link is already percent-encoded where it was rendered.
const UNSAFE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The two alternatives of a mail.
pub(super) struct Page {
    pub(super) text: String,
    pub(super) html: String,
}

/// Where a delivery's action leads.
enum Action {
    /// An absolute link.
    Link(String),
    /// A relative link, and nobody has told us what it is relative to.
    Inside,
    /// Nowhere, or nowhere a mail may lead to.
    Nothing,
}

/// Draws mails.
pub(super) struct Layout {
    templates: Handlebars<'static>,
    sender: String,
    erp_url: Option<String>,
}

#[derive(Serialize)]
struct Fields<'a> {
    lang: &'a str,
    dir: &'a str,
    start: &'a str,
    accent: &'a str,
    severity: &'a str,
    title: &'a str,
    body: Option<String>,
    link: Option<&'a str>,
    label: &'a str,
    hint: Option<String>,
    footer: String,
}

impl Layout {
    /// `sender` is named in the last line.
    ///
    /// # Errors
    /// `Internal`, when the template is broken.
    pub(super) fn new(sender: String, erp_url: Option<&str>) -> Result<Self> {
        let mut templates = Handlebars::new();
        templates
            .register_template_string("mail", include_str!("layout.html"))
            .map_err(|e| Error::internal("the mail layout is broken", e))?;
        Ok(Self {
            templates,
            sender,
            erp_url: erp_url.map(|url| url.trim_end_matches('/').to_owned()),
        })
    }

    /// Text and HTML of a delivery.
    ///
    /// # Errors
    /// `Permanent`, when the layout can't be drawn.
    pub(super) fn page(&self, delivery: &Outgoing, language: &Language) -> Result<Page, SendError> {
        let words = language.words;
        let title = one_line(&delivery.title);
        let action = self.action(delivery.action_url.as_deref());
        let label = delivery.action_label.as_deref().map(one_line);
        let label = label
            .as_deref()
            .filter(|label| !label.is_empty())
            .unwrap_or(words.open);
        let hint = matches!(action, Action::Inside).then(|| format!("{label}: {}", words.sign_in));
        let link = match &action {
            Action::Link(link) => Some(link.as_str()),
            Action::Inside | Action::Nothing => None,
        };

        let mut text = title.clone();
        let body = delivery.body.trim();
        let way = link.map(|link| format!("{label}:\n{link}"));
        for part in [Some(body), way.as_deref(), hint.as_deref()]
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
        {
            text.push_str("\n\n");
            text.push_str(part);
        }
        text.push('\n');

        let (number, accent) = match delivery.severity {
            Severity::Info => (0, "#1d4ed8"),
            Severity::Warning => (1, "#b45309"),
            Severity::Error => (2, "#b91c1c"),
            Severity::Critical => (3, "#7f1d1d"),
        };
        let (dir, start) = if language.right_to_left {
            ("rtl", "right")
        } else {
            ("ltr", "left")
        };
        let fields = Fields {
            lang: &language.tag,
            dir,
            start,
            accent,
            severity: words.severities[number],
            title: &title,
            // A rule's own HTML takes the body's place; its values were escaped where it was rendered.
            body: match delivery.content.html.as_deref().map(str::trim) {
                Some(html) if !html.is_empty() => Some(html.to_owned()),
                _ if body.is_empty() => None,
                _ => Some(paragraphs(body)),
            },
            link,
            label,
            hint,
            footer: format!("{} {}", words.footer, self.sender),
        };
        let html = self
            .templates
            .render("mail", &fields)
            .map_err(|e| SendError::Permanent(format!("the mail can't be drawn: {e}")))?;
        Ok(Page { text, html })
    }

    /// Only http(s) leads out of a mail, and only relative links are put behind the ERP's address.
    fn action(&self, url: Option<&str>) -> Action {
        let url = url.unwrap_or_default().trim();
        if url.is_empty() {
            return Action::Nothing;
        }
        let scheme = url
            .split_once(':')
            .map(|(scheme, _)| scheme)
            .filter(|scheme| !scheme.contains(['/', '?', '#']));
        match scheme {
            Some(scheme)
                if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") =>
            {
                Action::Link(utf8_percent_encode(url, UNSAFE).to_string())
            }
            Some(_) => Action::Nothing,
            None => self.erp_url.as_deref().map_or(Action::Inside, |base| {
                let path = url.trim_start_matches('/');
                Action::Link(format!("{base}/{}", utf8_percent_encode(path, UNSAFE)))
            }),
        }
    }
}

/// Plain text as HTML: an empty line begins a paragraph, a line break stays one.
fn paragraphs(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    text.split("\n\n")
        .map(|block| block.trim_matches('\n'))
        .filter(|block| !block.is_empty())
        .map(|block| {
            let lines = handlebars::html_escape(block).replace('\n', "<br>\n");
            format!("<p style=\"margin:0 0 12px 0;\">{lines}</p>\n")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::message::tests::delivery;
    use super::*;

    fn page(delivery: &Outgoing, erp_url: Option<&str>) -> Page {
        Layout::new("TSH ERP".into(), erp_url)
            .unwrap()
            .page(delivery, &Language::of(&delivery.locale))
            .unwrap()
    }

    #[test]
    fn the_text_is_title_body_and_link() {
        let page = page(&delivery(), Some("https://erp.tsh.example/"));
        assert_eq!(
            page.text,
            "Invoice INV-7 is overdue\n\nIt is 12 days overdue.\n\nAmount: 1,250,000 IQD\n\n\
             View Invoice:\nhttps://erp.tsh.example/invoices/7\n"
        );
        assert!(
            page.html
                .contains("href=\"https://erp.tsh.example/invoices/7\"")
        );
    }

    #[test]
    fn a_relative_link_without_the_erps_address_becomes_a_sentence() {
        let page = page(&delivery(), None);
        assert!(!page.text.contains("/invoices/7"));
        assert!(!page.html.contains("href"));
        assert!(
            page.text
                .ends_with("View Invoice: sign in to the ERP to open it.\n")
        );
        assert!(page.html.contains("sign in to the ERP"));
    }

    #[test]
    fn links_that_run_something_are_left_out() {
        for url in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "mailto:a@b.c",
        ] {
            let page = page(
                &Outgoing {
                    action_url: Some(url.into()),
                    ..delivery()
                },
                Some("https://erp.tsh.example"),
            );
            assert!(!page.html.contains("href"), "{url}");
            assert!(!page.text.contains(url), "{url}");
        }
    }

    #[test]
    fn what_looks_like_another_host_stays_on_the_erp() {
        let layout = Layout::new("x".into(), Some("https://erp.tsh.example")).unwrap();
        for (url, link) in [
            ("//evil.example/x", "https://erp.tsh.example/evil.example/x"),
            (
                "invoices/7?at=10:30",
                "https://erp.tsh.example/invoices/7?at=10:30",
            ),
            (
                "/a b\"><x>/م",
                "https://erp.tsh.example/a%20b%22%3E%3Cx%3E/%D9%85",
            ),
            ("https://other.example/%20x", "https://other.example/%20x"),
        ] {
            assert!(
                matches!(layout.action(Some(url)), Action::Link(l) if l == link),
                "{url}"
            );
        }
    }

    #[test]
    fn texts_are_escaped_and_a_rules_own_html_is_not() {
        let mut evil = delivery();
        evil.title = "<script>1</script>".into();
        evil.body = "<b>2</b>\n& 3".into();
        evil.action_label = Some("<i>4</i>".into());
        let drawn = page(&evil, Some("https://erp.tsh.example"));
        for tag in ["<script>", "<b>", "<i>"] {
            assert!(!drawn.html.contains(tag), "{tag}");
        }
        assert!(drawn.html.contains("&lt;b&gt;2&lt;/b&gt;<br>\n&amp; 3"));
        assert!(drawn.text.contains("<b>2</b>\n& 3"));

        evil.content.html = Some("<ul><li>own</li></ul>".into());
        let drawn = page(&evil, Some("https://erp.tsh.example"));
        assert!(drawn.html.contains("<ul><li>own</li></ul>"));
        assert!(!drawn.html.contains("&lt;b&gt;2"));
    }

    #[test]
    fn arabic_runs_from_right_to_left_in_its_own_words() {
        let arabic = page(
            &Outgoing {
                locale: "ar-IQ".into(),
                ..delivery()
            },
            None,
        );
        assert!(arabic.html.contains("<html lang=\"ar-IQ\" dir=\"rtl\">"));
        assert!(arabic.html.contains("تحذير"));
        assert!(arabic.html.contains("text-align:right"));
        let english = page(&delivery(), None);
        assert!(english.html.contains("<html lang=\"en\" dir=\"ltr\">"));
    }

    #[test]
    fn each_severity_has_its_word_and_its_colour() {
        let mut seen = std::collections::HashSet::new();
        for severity in Severity::ALL {
            let drawn = page(
                &Outgoing {
                    severity,
                    ..delivery()
                },
                None,
            );
            seen.insert(drawn.html);
        }
        assert_eq!(seen.len(), 4);
    }
}
