//! The pages a shopper sees.
