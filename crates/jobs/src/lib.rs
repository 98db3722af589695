//! A durable queue in the shop's own database: enqueue in a transaction, lease, retry, schedule.
