//! Transactions as closures on SQLite and PostgreSQL, group commit, migrations and the test databases.
