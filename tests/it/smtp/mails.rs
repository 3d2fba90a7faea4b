//! What a mail says: headers, languages, alternatives, and what no text of it can do.

use neurolink::config::{Email, EmailTransport};
use neurolink::deliveries::channels::Channel as _;
use neurolink::deliveries::channels::email::EmailChannel;
use neurolink::deliveries::model::{Content, Outgoing, SendError};
use neurolink::kernel::Severity;

use super::{Settings, delivery, plain, send};
use crate::support::smtp::{SmtpOptions, SmtpServer};

#[tokio::test]
async fn a_mail_arrives_whole_and_says_what_it_is() {
    let (mut server, channel) = plain().await;
    let receipt = send(&channel, "sara@tsh.example").await.unwrap();
    let mail = server.next_message().await;

    assert_eq!(mail.mail_from, "erp@tsh.example");
    assert_eq!(mail.rcpt_tos, ["sara@tsh.example"]);
    assert_eq!(mail.defects, Vec::<String>::new());
    assert_eq!(mail.kind, "multipart/alternative");
    assert_eq!(mail.from_name, "TSH ERP");
    assert_eq!(mail.to_name, "Sara Haddad");
    assert_eq!(mail.header("Subject"), "Invoice INV-7 is overdue");
    assert_eq!(mail.header("Date"), "Sun, 01 Mar 2026 08:00:00 +0000");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert_eq!(mail.header("X-NeuroLink-Delivery"), "225");
    assert_eq!(mail.header("Content-Language"), "en");
    assert_eq!(
        mail.text.replace("\r\n", "\n").trim_end(),
        "Invoice INV-7 is overdue\n\nInvoice #INV-7 for Al-Noor is 12 days overdue.\n.hidden dot\n\
         Amount: 1,250,000 IQD\n\nView Invoice:\nhttps://erp.tsh.example/invoices/7"
    );
    assert!(
        mail.html
            .contains("href=\"https://erp.tsh.example/invoices/7\"")
    );
    assert!(mail.html.contains("<html lang=\"en\" dir=\"ltr\">"));
    assert_eq!(receipt.provider, "smtp");
    assert_eq!(
        receipt.provider_message_id.as_deref(),
        Some(mail.header("Message-ID"))
    );
}

#[tokio::test]
async fn an_arabic_mail_runs_from_right_to_left() {
    let (mut server, channel) = plain().await;
    let arabic = Outgoing {
        locale: "ar-IQ".into(),
        display_name: "سارة حداد".into(),
        title: "الفاتورة INV-7 متأخرة عن موعد سدادها منذ اثني عشر يومًا لدى شركة النور".into(),
        body: "المبلغ: ١٬٢٥٠٬٠٠٠ د.ع".into(),
        action_label: Some("عرض الفاتورة".into()),
        severity: Severity::Critical,
        ..delivery("sara@tsh.example")
    };
    channel.send(&arabic).await.unwrap();
    let mail = server.next_message().await;

    assert!(
        mail.raw.is_ascii(),
        "an old server on the way would break it"
    );
    assert_eq!(mail.defects, Vec::<String>::new());
    assert_eq!(mail.header("Subject"), arabic.title);
    assert_eq!(mail.to_name, "سارة حداد");
    assert_eq!(mail.header("Content-Language"), "ar-IQ");
    assert_eq!(mail.header("Importance"), "high");
    assert!(mail.html.contains("<html lang=\"ar-IQ\" dir=\"rtl\">"));
    assert!(mail.html.contains("text-align:right"));
    assert!(mail.html.contains("عرض الفاتورة"));
    assert!(mail.text.contains(&arabic.body));
    assert!(mail.text.contains("عرض الفاتورة:"));
}

#[tokio::test]
async fn a_second_attempt_carries_the_same_message_id_from_another_process_too() {
    let (mut server, channel) = plain().await;
    send(&channel, "sara@tsh.example").await.unwrap();
    let restarted = Settings::of(&server).channel();
    let again = Outgoing {
        attempt: 2,
        ..delivery("sara@tsh.example")
    };
    restarted.send(&again).await.unwrap();
    let first = server.next_message().await;
    let second = server.next_message().await;
    assert_eq!(first.header("Message-ID"), second.header("Message-ID"));
    assert_eq!(first.raw, second.raw);
}

#[tokio::test]
async fn line_breaks_in_texts_add_no_header_and_no_recipient() {
    let (mut server, channel) = plain().await;
    let attack = "Overdue\r\nBcc: thief@evil.example\r\nX-Evil: 1\r\n\r\nbody";
    let evil = Outgoing {
        title: attack.into(),
        display_name: attack.into(),
        content: Content {
            subject: Some(attack.into()),
            ..Content::default()
        },
        ..delivery("sara@tsh.example")
    };
    channel.send(&evil).await.unwrap();
    let mail = server.next_message().await;
    assert_eq!(mail.rcpt_tos, ["sara@tsh.example"]);
    let names: Vec<_> = mail.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert!(
        !names.contains(&"Bcc") && !names.contains(&"X-Evil"),
        "{names:?}"
    );
    assert_eq!(
        mail.header("Subject"),
        "Overdue Bcc: thief@evil.example X-Evil: 1 body"
    );
}

#[tokio::test]
async fn an_address_with_line_breaks_is_permanent_and_never_reaches_the_server() {
    let (mut server, channel) = plain().await;
    let refused = send(&channel, "a@b.example>\r\nRCPT TO:<thief@evil.example").await;
    assert!(
        matches!(refused, Err(SendError::Permanent(_))),
        "{refused:?}"
    );
    assert_eq!(server.connections().await, 0);
}

#[tokio::test]
async fn an_international_address_goes_only_to_a_server_that_takes_it() {
    let (mut server, channel) = plain().await;
    send(&channel, "سارة@tsh.example").await.unwrap();
    let mail = server.next_message().await;
    assert_eq!(mail.rcpt_tos, ["سارة@tsh.example"]);
    assert!(mail.options.contains(&"SMTPUTF8".to_owned()));

    let old = SmtpServer::start(SmtpOptions {
        no_smtputf8: true,
        ..SmtpOptions::default()
    })
    .await;
    let refused = send(&Settings::of(&old).channel(), "سارة@tsh.example").await;
    assert!(
        matches!(refused, Err(SendError::Permanent(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn mails_go_to_a_folder_once_per_delivery() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("mails");
    let email = Email {
        from: "TSH ERP <erp@tsh.example>".into(),
        transport: Some(EmailTransport::Files(folder.clone())),
        concurrency: 4,
    };
    let channel = EmailChannel::from_config(&email, None).unwrap().unwrap();
    for attempt in [1, 2] {
        let receipt = channel
            .send(&Outgoing {
                attempt,
                ..delivery("sara@tsh.example")
            })
            .await
            .unwrap();
        assert_eq!(receipt.provider, "files");
        assert_eq!(receipt.provider_message_id.as_deref(), Some("225.eml"));
    }
    let names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["225.eml"]);
    let text = std::fs::read_to_string(folder.join("225.eml")).unwrap();
    assert!(
        text.contains("To: \"Sara Haddad\" <sara@tsh.example>"),
        "{text}"
    );
    assert!(text.contains("multipart/alternative"));
}
