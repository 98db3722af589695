//! Who gets in, who does not, and what ends.

mod entering;
