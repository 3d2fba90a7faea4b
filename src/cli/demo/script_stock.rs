//! The buying and storing side of a branch's round: a purchase on its whole way, one that is rejected, a count of the
//! shelves, a shortage and a transfer. Pure.

use serde_json::{Value, json};

use crate::cli::demo::script::{Scene, grouped, merged};
use crate::cli::demo::story::Act;
use crate::cli::demo::world::{
    CASTS, Cast, Dice, GOODS, PURCHASING_MANAGER, SUPPLIERS, WAREHOUSE_MANAGER,
};

impl Scene {
    /// A purchase on its whole way, and one that is rejected.
    pub(crate) fn purchase(&self, dice: &mut Dice) -> Vec<Act> {
        let Cast { buyer, keeper, .. } = self.cast;
        let good = dice.pick(&GOODS);
        let supplier = dice.pick(&SUPPLIERS);
        let quantity = dice.between(4, 30) * 5;
        let missing = dice.between(0, 3);
        let po = 7_000 + 2 * self.serial;
        let manager = PURCHASING_MANAGER;
        let about = |number: u32, total: u64, more: Value| {
            merged(
                json!({"po_id": number, "po_number": format!("PO-{number}"), "supplier_name": supplier,
                       "amount": total, "currency": "IQD", "requested_by": buyer.0}),
                more,
            )
        };
        // A supplier's price is four fifths of ours; prices are multiples of 5.
        let total = good.price / 5 * 4 * quantity;
        let too_much = total * 3;
        let created = |number: u32, total: u64| {
            self.event(
                ("po.created", ""),
                ("po", number),
                Some(buyer.0),
                format!("PO-{number} to {supplier}, {} IQD", grouped(total)),
                &about(number, total, json!({"requested_by_name": buyer.1})),
            )
        };
        vec![
            self.act("a purchase is asked for", vec![created(po, total)]),
            self.act(
                "it is approved",
                vec![self.event(
                    ("po.approved", ""),
                    ("po", po),
                    Some(manager.0),
                    format!("PO-{po} by {}", manager.0),
                    &about(po, total, json!({"expected_on": self.in_days(21)})),
                )],
            ),
            self.act("another one is asked for", vec![created(po + 1, too_much)]),
            self.act(
                "it is too much",
                vec![self.event(
                    ("po.rejected", ""),
                    ("po", po + 1),
                    Some(manager.0),
                    format!("PO-{} by {}", po + 1, manager.0),
                    &about(
                        po + 1,
                        too_much,
                        json!({
                        "reason": dice.pick(&["أعلى من الميزانية", "Over this quarter's budget"]),
                        "rejected_by_name": manager.1}),
                    ),
                )],
            ),
            self.act(
                "the goods arrive",
                vec![self.event(
                    ("po.received", ""),
                    ("po", po),
                    Some(keeper),
                    format!("PO-{po}: {} of {quantity} pieces", quantity - missing),
                    &about(
                        po,
                        total,
                        json!({"warehouse_name": self.cast.warehouse,
                        "quantity_ordered": quantity, "quantity_received": quantity - missing}),
                    ),
                )],
            ),
        ]
    }

    /// A count of the shelves with a small and a large difference; something runs out and the other branch sends some.
    pub(crate) fn warehouse(&self, dice: &mut Dice) -> Vec<Act> {
        let keeper = self.cast.keeper;
        let other = if self.cast.branch == CASTS[0].branch {
            CASTS[1]
        } else {
            CASTS[0]
        };
        let adjustment = 3_000 + 2 * self.serial;
        let adjusted = |number: u32,
                        remark: &str,
                        good_name: &str,
                        good_id: u32,
                        counts: (u64, u64),
                        value: i64| {
            let difference = counts.1 as i64 - counts.0 as i64;
            self.event(
                ("stock.adjusted", remark),
                ("adjustment", number),
                Some(keeper),
                format!("{good_name}: {} → {}", counts.0, counts.1),
                &json!({"adjustment_id": number, "product_id": good_id, "sku": format!("TSH-{good_id}"),
                        "product_name": good_name, "warehouse_name": self.cast.warehouse,
                        "quantity_before": counts.0, "quantity_after": counts.1, "difference": difference,
                        "value": value, "currency": "IQD", "reason": "جرد دوري"}),
            )
        };
        let good = dice.pick(&GOODS);
        let before = dice.between(20, 60);
        let lost = dice.between(5, 12);
        let worth = i64::try_from(good.price * lost).unwrap_or(i64::MAX);
        let spare_before = dice.between(100, 200);

        let out = dice.pick(&GOODS);
        let waiting = dice.between(0, 12);
        let transfer = 2_000 + self.serial;
        let quantity = dice.between(4, 20);
        vec![
            self.act(
                "the shelves are counted",
                vec![
                    adjusted(adjustment, "a small one", "Remote Control, Universal", 1_190, (spare_before, spare_before - 2), -14_000),
                    adjusted(adjustment + 1, "", good.name, good.id, (before, before - lost), -worth),
                ],
            ),
            self.act(
                "something has run out",
                vec![self.event(
                    ("stock.out", ""),
                    ("product", out.id),
                    None,
                    format!("{}, {waiting} orders wait", out.name),
                    &self.stock(out, json!({"open_orders": waiting})),
                )],
            ),
            self.act(
                format!("{} sends some", other.branch),
                vec![self.event(
                    ("stock.transferred", ""),
                    ("transfer", transfer),
                    Some(other.keeper),
                    format!("TR-{transfer}: {quantity} × {} from {}", out.name, other.branch),
                    &json!({"transfer_id": transfer, "transfer_number": format!("TR-{transfer}"),
                            "product_id": out.id, "sku": format!("TSH-{}", out.id), "product_name": out.name,
                            "quantity": quantity, "from_branch": other.branch, "from_warehouse": other.warehouse,
                            "to_branch": self.cast.branch, "to_warehouse": self.cast.warehouse,
                            "requested_by": WAREHOUSE_MANAGER}),
                )],
            ),
        ]
    }
}
