//! SQLite under murder and a failing disk.
