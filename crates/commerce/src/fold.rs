//! One spelling for comparing: without accents and in lower case.

use tantivy::tokenizer::{AsciiFoldingFilter, LowerCaser, RawTokenizer, TextAnalyzer, TokenStream};

/// The text without accents, in lower case, white space folded to single spaces: what lists sort by and searches compare.
pub(crate) fn fold(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut analyzer = TextAnalyzer::builder(RawTokenizer::default())
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .build();
    let mut folded = String::with_capacity(line.len());
    analyzer
        .token_stream(&line)
        .process(&mut |token| folded.push_str(&token.text));
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_and_case_make_no_difference() {
        assert_eq!(fold("  Café  CRÈME "), "cafe creme");
        assert_eq!(fold("Ærø Łódź Straße"), "aero lodz strasse");
        assert_eq!(fold("茶碗"), "茶碗");
        assert_eq!(fold(""), "");
    }
}
