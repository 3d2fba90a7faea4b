//! What rendering costs. Run by hand, with the optimiser on:
//! `cargo test --release --lib rules::tests::cost -- --ignored --nocapture`.

use std::time::Instant;

use serde_json::json;

use super::*;

#[test]
#[ignore = "measures, and says nothing about right and wrong"]
fn rendering_is_measured() {
    const ROUNDS: u32 = 20_000;
    for (name, en, ar) in [
        (
            "no helper",
            "Invoice {{invoice_number}} of {{customer_name}}",
            "فاتورة {{invoice_number}} على {{customer_name}}",
        ),
        (
            "money",
            "Owes {{money amount currency}}",
            "بذمته {{money amount currency}}",
        ),
        ("date", "Since {{date due}}", "منذ {{date due}}"),
        (
            "plural",
            "{{plural days_overdue one=\"# day\" other=\"# days\"}} late",
            "متأخرة {{plural days_overdue one=\"يوم\" other=\"# يوم\"}}",
        ),
    ] {
        let rule = compiled(&row(&json!({"title": {"en": en, "ar": ar}}).to_string()));
        let event = event("invoice.overdue", PAYLOAD);
        let mut context = EventContext::new(&event).unwrap();
        for locale in ["en", "ar-IQ"] {
            let reader = reader(locale);
            let mut warnings = Vec::new();
            let began = Instant::now();
            for _ in 0..ROUNDS {
                let texts = rule.render(&mut context, &reader, &mut warnings).unwrap();
                std::hint::black_box(&texts);
            }
            let each = began.elapsed() / ROUNDS;
            eprintln!("{name:<10} {locale:<6} {each:?}");
        }
    }
}
