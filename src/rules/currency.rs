//! What is said of money besides its digits: how many decimals a currency is used with, and what it is called. Used by
//! `setting`. Facts of CLDR (supplemental data, `currencyData/fractions`; `ar/currencies`), kept here, because ICU4X's own
//! writing of money is unfinished: it puts the code before the amount, and keeps decimals to itself.

/// How many decimals a currency is used with. IQD has three on paper and none in use.
pub(crate) fn decimals(currency: &str) -> usize {
    match currency {
        "AFN" | "ALL" | "BIF" | "CLP" | "DJF" | "GNF" | "IQD" | "IRR" | "ISK" | "JPY" | "KMF"
        | "KPW" | "KRW" | "LAK" | "LBP" | "MGA" | "MMK" | "PYG" | "RSD" | "RWF" | "SOS" | "SYP"
        | "UGX" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" | "YER" => 0,
        "BHD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

/// What a currency is called in Arabic; elsewhere, and for the world's other currencies, it is its code.
pub(crate) fn in_arabic(code: &str) -> &str {
    match code {
        "AED" => "د.إ",
        "BHD" => "د.ب",
        "DZD" => "د.ج",
        "EGP" => "ج.م",
        "IQD" => "د.ع",
        "JOD" => "د.أ",
        "KWD" => "د.ك",
        "LBP" => "ل.ل",
        "LYD" => "د.ل",
        "MAD" => "د.م",
        "OMR" => "ر.ع",
        "QAR" => "ر.ق",
        "SAR" => "ر.س",
        "SYP" => "ل.س",
        "TND" => "د.ت",
        "YER" => "ر.ي",
        other => other,
    }
}
