crate::routes! {}
