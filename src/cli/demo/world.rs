//! What the demo's story is about: who works on what in a branch, customers, suppliers, goods; and the dice. Pure.

/// A good the company trades in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Good {
    pub(crate) id: u32,
    pub(crate) name: &'static str,
    /// In IQD, a multiple of 250 like all cash.
    pub(crate) price: u64,
}

/// Who does what in a branch. Ids are those of `company.json`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cast {
    pub(crate) branch: &'static str,
    pub(crate) sales_rep: (&'static str, &'static str),
    pub(crate) sales_manager: (&'static str, &'static str),
    pub(crate) accountant: &'static str,
    pub(crate) keeper: &'static str,
    pub(crate) buyer: (&'static str, &'static str),
    pub(crate) warehouse: &'static str,
    pub(crate) customers: &'static [&'static str],
}

/// Approves and rejects purchases for both branches.
pub(crate) const PURCHASING_MANAGER: (&str, &str) = ("omar", "Omar Al-Jubouri");
/// Looks after both warehouses.
pub(crate) const WAREHOUSE_MANAGER: &str = "rami";

/// Baghdad, then Basra.
pub(crate) const CASTS: [Cast; 2] = [
    Cast {
        branch: "BGD",
        sales_rep: ("yousif", "يوسف الدليمي"),
        sales_manager: ("layla", "Layla Nasser"),
        accountant: "zainab",
        keeper: "hussein",
        buyer: ("huda", "هدى الجبوري"),
        warehouse: "مخزن الدورة",
        customers: &[
            "شركة النهرين للتجارة",
            "معارض الرافدين للأجهزة المنزلية",
            "مجموعة بغداد التجارية",
            "Karrada Home Appliances",
            "أسواق المنصور",
        ],
    },
    Cast {
        branch: "BSR",
        sales_rep: ("dina", "Dina Sami"),
        sales_manager: ("tariq", "طارق البصري"),
        accountant: "maryam",
        keeper: "jassim",
        buyer: ("saif", "سيف الأسدي"),
        warehouse: "Abu Al-Khaseeb Warehouse",
        customers: &[
            "Shatt Al-Arab Supplies",
            "معرض الخليج للكهربائيات",
            "Gulf Gate Electronics",
            "شركة الفيحاء للمقاولات",
            "Ashar Trading Co.",
        ],
    },
];

/// The catalogue.
pub(crate) const GOODS: [Good; 8] = [
    good(1101, "مكيف سبلت جنرال 2 طن", 925_000),
    good(1102, "Samsung 55\" QLED TV", 1_150_000),
    good(1104, "ثلاجة بيكو 18 قدم", 850_000),
    good(1107, "غسالة LG سعة 8 كغم", 675_000),
    good(1110, "Bosch Built-in Oven", 780_000),
    good(1113, "مبردة هواء كرافت", 245_000),
    good(1116, "Inverter 5 kVA with Batteries", 1_890_000),
    good(1119, "طباخ غازي 5 شعلات", 410_000),
];

/// Who the company buys from.
pub(crate) const SUPPLIERS: [&str; 4] = [
    "Beko Gulf FZE",
    "مجموعة الفرات للتجهيزات",
    "LG Electronics Levant",
    "شركة الجزيرة للاستيراد",
];

/// Who carries the goods.
pub(crate) const CARRIERS: [&str; 3] = ["نقليات الرافدين", "Tigris Freight", "شركة البريد السريع"];
/// Who signs for them.
pub(crate) const RECEIVERS: [&str; 3] = ["أحمد كاظم", "Sara Ibrahim", "محمد جواد"];

const fn good(id: u32, name: &'static str, price: u64) -> Good {
    Good { id, name, price }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same seed tells the same story on every machine and with every version of
/// every crate, which the generators of `rand` don't promise.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice for one round of one story.
    pub(crate) fn new(seed: u64, round: u32) -> Self {
        Self(seed ^ u64::from(round).wrapping_mul(0xd134_2543_de82_ef95))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// One of some; `all` is never empty.
    pub(crate) fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        let at = self.next() % all.len() as u64;
        all[usize::try_from(at).unwrap_or_default()]
    }
}
