//! Store and operation tests.
