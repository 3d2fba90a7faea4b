//! The selling side of a branch's round: a large order on its whole way, a small one that is cancelled, and what the ERP
//! finds by itself at night. Pure.

use serde_json::{Value, json};

use crate::cli::demo::script::{Scene, grouped, merged};
use crate::cli::demo::story::Act;
use crate::cli::demo::world::{CARRIERS, Cast, Dice, GOODS, RECEIVERS};

impl Scene {
    /// A large order on its whole way, and a small one that is cancelled.
    pub(crate) fn sale(&self, dice: &mut Dice) -> Vec<Act> {
        let Cast {
            sales_rep,
            sales_manager,
            keeper,
            ..
        } = self.cast;
        let customer = dice.pick(self.cast.customers);
        let good = dice.pick(&GOODS);
        let (order, invoice) = (40_000 + 2 * self.serial, 88_000 + self.serial);
        let lines = dice.between(1, 14);
        // One order in four is in dollars and cents; quarters are exact in binary.
        let (amount, paid, balance, currency, shown) = if dice.between(1, 4) == 1 {
            let cents = dice.between(32_000, 160_000) * 25;
            let paid = cents / 200 * 100;
            let dollars = |c: u64| json!(c as f64 / 100.0);
            (
                dollars(cents),
                dollars(paid),
                dollars(cents - paid),
                "USD",
                format!("{}.{:02} USD", grouped(cents / 100), cents % 100),
            )
        } else {
            let total = dice.between(48, 260) * 250_000;
            let paid = total / 500_000 * 250_000;
            (
                json!(total),
                json!(paid),
                json!(total - paid),
                "IQD",
                format!("{} IQD", grouped(total)),
            )
        };
        let order_number = format!("SO-{order}");
        let invoice_number = format!("INV-{invoice}");
        let about_order = |more: Value| {
            merged(
                json!({"order_id": order, "order_number": order_number, "customer_name": customer,
                       "sales_rep_id": sales_rep.0}),
                more,
            )
        };
        let about_invoice = |more: Value| {
            merged(
                json!({"invoice_id": invoice, "invoice_number": invoice_number, "customer_name": customer,
                       "amount": amount, "currency": currency, "sales_rep_id": sales_rep.0}),
                more,
            )
        };
        let (orders, invoices) = (("order", order), ("invoice", invoice));
        let receipt = 5_000 + 2 * self.serial;
        let left = dice.between(2, 9);
        let small = order + 1;
        let small_total = dice.between(2, 16) * 250_000;
        let small_customer = dice.pick(self.cast.customers);
        let about_small = |more: Value| {
            merged(
                json!({"order_id": small, "order_number": format!("SO-{small}"), "customer_name": small_customer,
                       "amount": small_total, "currency": "IQD", "sales_rep_id": sales_rep.0}),
                more,
            )
        };

        let mut acts = vec![
            self.act(
                "a sales rep takes a large order",
                vec![self.event(
                    ("order.created", ""),
                    orders,
                    Some(sales_rep.0),
                    format!("{order_number} from {customer}, {shown}"),
                    &about_order(json!({"amount": amount, "currency": currency, "line_count": lines,
                                        "sales_rep_name": sales_rep.1})),
                )],
            ),
            self.act(
                "the order is approved and invoiced in one transaction",
                vec![
                    self.event(
                        ("order.approved", ""),
                        orders,
                        Some(sales_manager.0),
                        format!("{order_number} by {}", sales_manager.0),
                        &about_order(json!({"amount": amount, "currency": currency,
                                            "approved_by_name": sales_manager.1})),
                    ),
                    self.event(
                        ("invoice.created", ""),
                        invoices,
                        Some(sales_manager.0),
                        format!("{invoice_number} for {order_number}, {shown}"),
                        &about_invoice(json!({"due_date": self.in_days(30)})),
                    ),
                ],
            ),
            self.act(
                "the goods leave, and what is left of them is little",
                vec![
                    self.event(
                        ("order.shipped", ""),
                        orders,
                        Some(keeper),
                        format!("{order_number} to {customer}"),
                        &about_order(json!({"carrier": dice.pick(&CARRIERS),
                                            "expected_on": self.in_days(2)})),
                    ),
                    self.event(
                        ("stock.low", ""),
                        ("product", good.id),
                        None,
                        format!("{}: {left} left, reorder at 10", good.name),
                        &self.stock(good, json!({"quantity": left, "reorder_level": 10})),
                    ),
                ],
            ),
            self.act(
                "a small order, which needs nobody's approval",
                vec![self.event(
                    ("order.created", "a small one"),
                    ("order", small),
                    Some(sales_rep.0),
                    format!("SO-{small} from {small_customer}, {} IQD", grouped(small_total)),
                    &about_small(json!({"line_count": 1, "sales_rep_name": sales_rep.1})),
                )],
            ),
            self.act(
                "the customer has the goods",
                vec![self.event(
                    ("order.delivered", ""),
                    orders,
                    Some(keeper),
                    format!("{order_number} to {customer}"),
                    &about_order(json!({
                        "delivered_at": format!("{}T{:02}:{:02}:00+03:00", self.today, dice.between(9, 16), dice.between(0, 59)),
                        "received_by": dice.pick(&RECEIVERS)})),
                )],
            ),
            self.act(
                "the customer thinks again",
                vec![self.event(
                    ("order.cancelled", ""),
                    ("order", small),
                    Some(sales_rep.0),
                    format!("SO-{small} from {small_customer}"),
                    &about_small(json!({"reason": dice.pick(&["الزبون غيّر رأيه", "Found it elsewhere", "تأخر التجهيز"])})),
                )],
            ),
            self.act(
                "the accountant books a first payment",
                vec![self.event(
                    ("invoice.partially_paid", ""),
                    invoices,
                    Some(self.cast.accountant),
                    format!("{invoice_number} by {customer}"),
                    &about_invoice(json!({"paid_amount": paid, "balance": balance,
                                          "receipt_number": format!("RC-{receipt}")})),
                )],
            ),
            self.act(
                "the bank reports the rest",
                vec![self.event(
                    ("invoice.paid", ""),
                    invoices,
                    None,
                    format!("{invoice_number} by {customer}, {shown}"),
                    &about_invoice(json!({"receipt_number": format!("RC-{}", receipt + 1)})),
                )],
            ),
        ];
        // What belongs to the large order says so, its invoice too.
        for told in acts.iter_mut().flat_map(|act| &mut act.events) {
            if told.event.entity_type.as_deref() == Some("invoice") {
                told.event.correlation_id = Some(format!("order-{order}"));
            }
        }
        acts
    }

    /// What the ERP finds by itself at night.
    pub(crate) fn night(&self, dice: &mut Dice) -> Vec<Act> {
        let customer = dice.pick(self.cast.customers);
        let good = dice.pick(&GOODS);
        let days = dice.between(1, 45);
        let owed = dice.between(4, 60) * 250_000;
        let invoice = 30_000 + self.serial;
        let payload = json!({
            "invoice_id": invoice, "invoice_number": format!("INV-{invoice}"), "customer_name": customer,
            "amount": owed, "currency": "IQD", "sales_rep_id": self.cast.sales_rep.0,
            "due_date": self.in_days(-i64::try_from(days).unwrap_or_default()), "days_overdue": days});
        let enough = dice.between(11, 30);
        vec![self.act(
            "the nightly check",
            vec![
                self.event(
                    ("invoice.overdue", ""),
                    ("invoice", invoice),
                    None,
                    format!(
                        "INV-{invoice}: {customer} owes {} IQD, {days} days late",
                        grouped(owed)
                    ),
                    &payload,
                ),
                self.event(
                    ("stock.low", "above the reorder level"),
                    ("product", good.id),
                    None,
                    format!("{}: {enough} left, reorder at 10", good.name),
                    &self.stock(good, json!({"quantity": enough, "reorder_level": 10})),
                ),
            ],
        )]
    }
}
