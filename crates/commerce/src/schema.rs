//! The tables of the shop, from the first release to this one.

use db::Migration;

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
}
