//! The tables of the shop, from the first release to this one.

use db::{Migration, Watched};

macro_rules! migrations {
    ($($version:literal $name:literal),+ $(,)?) => {
        /// Every migration, oldest first. A released one never changes.
        pub const MIGRATIONS: &[Migration] = &[
            $(Migration::common($version, $name, include_str!(concat!("../../../migrations/", $name, ".sql")))),+
        ];
    };
}

migrations! {
    1 "0001_jobs",
    2 "0002_settings",
    3 "0003_catalog",
    4 "0004_inventory",
    5 "0005_selling",
    6 "0006_orders",
    7 "0007_staff",
    8 "0008_customers",
    9 "0009_desk",
    11 "0011_packing",
    12 "0012_change_counts",
    13 "0013_newest",
}

/// The area of everything else the merchant arranges: products, prices, texts, settings, delivery, taxes.
pub const GOODS: usize = 0;
/// The area of what can be bought at this moment.
pub const STOCK: usize = 1;

/// The area of what stands where and how many those are: figures that take long to count in a large shop.
pub const SHELVES: usize = 2;

/// What pages show, by table: a page that was kept holds as long as none of these has changed.
pub const WATCHED: Watched = Watched {
    areas: &["goods", "stock", "shelves"],
    tables: &[
        ("products", GOODS),
        ("product_options", GOODS),
        ("product_option_values", GOODS),
        ("variants", GOODS),
        ("variant_option_values", GOODS),
        ("categories", SHELVES),
        ("category_products", SHELVES),
        ("collections", SHELVES),
        ("collection_products", SHELVES),
        ("media", GOODS),
        ("product_media", GOODS),
        ("settings", GOODS),
        ("stock_locations", GOODS),
        ("tax_rates", GOODS),
        ("delivery_zones", GOODS),
        ("delivery_zone_countries", GOODS),
        ("delivery_methods", GOODS),
        ("stock_levels", STOCK),
        ("reservations", STOCK),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables no page that is kept shows anything of: the desk's, the till's, and the shop's own bookkeeping.
    const NOT_SHOWN: &[&str] = &[
        "jobs",
        "job_schedules",
        "server_keys",
        "counters",
        "stock_movements",
        "carts",
        "cart_lines",
        "orders",
        "order_lines",
        "order_timeline",
        "payments",
        "payment_events",
        "gateway_events",
        "refunds",
        "refund_lines",
        "fulfillments",
        "fulfillment_lines",
        "mails",
        "test_gateway_payments",
        "test_gateway_operations",
        "test_gateway_notices",
        "staff",
        "staff_recovery_codes",
        "staff_sessions",
        "staff_devices",
        "staff_links",
        "audit",
        "customers",
        "desk_words",
        "desk_backfill",
        "change_counts",
    ];

    fn texts() -> Vec<String> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
        std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect()
    }

    #[test]
    fn of_every_table_it_is_decided_whether_pages_show_it() {
        let (texts, mut made) = (texts(), Vec::new());
        for sql in &texts {
            let tables = sql.split("CREATE TABLE ").skip(1);
            made.extend(tables.filter_map(|rest| rest.split_ascii_whitespace().next()));
        }
        assert!(made.len() > 40, "{made:?}");
        for table in &made {
            let watched = WATCHED.tables.iter().any(|(name, _)| name == table);
            let not_shown = NOT_SHOWN.contains(table);
            assert!(
                watched != not_shown,
                "say in this file whether pages show the table {table}"
            );
        }
        let known = WATCHED.tables.iter().map(|(name, _)| name).chain(NOT_SHOWN);
        for table in known {
            assert!(made.contains(table), "there is no table {table}");
        }
    }
}
