//! What the index keeps of a product.

use tantivy::schema::{
    FAST, Field, IndexRecordOption, STORED, STRING, Schema, SchemaBuilder, TextFieldIndexing,
    TextOptions,
};

use super::words;

/// The fields of a product.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// Its id, the only thing that is read back.
    pub(super) id: Field,
    /// Its article numbers and barcodes, whole.
    pub(super) codes: Field,
    /// The words of its names as they are: for the beginning of a word.
    pub(super) names: Field,
    /// All its words as they are: to know how words are spelt.
    pub(super) words: Field,
    /// The stems of its title.
    pub(super) title: Field,
    /// The stems of its variants' names.
    pub(super) variants: Field,
    /// The stems of its categories' names.
    pub(super) categories: Field,
    /// The stems of everything else.
    pub(super) text: Field,
    /// To sort by.
    pub(super) min_price: Field,
    /// To sort by.
    pub(super) max_price: Field,
    /// To sort by.
    pub(super) published: Field,
}

/// The names of the fields that lists are sorted by.
pub(super) const MIN_PRICE: &str = "min_price";
/// See [`MIN_PRICE`].
pub(super) const MAX_PRICE: &str = "max_price";
/// See [`MIN_PRICE`].
pub(super) const PUBLISHED: &str = "published";

impl Fields {
    pub(super) fn schema() -> (Schema, Self) {
        let mut schema = Schema::builder();
        let fields = Self {
            id: schema.add_text_field("id", STRING | STORED),
            codes: schema.add_text_field("codes", STRING),
            names: text(&mut schema, "names", words::PLAIN, IndexRecordOption::Basic),
            words: text(&mut schema, "words", words::PLAIN, IndexRecordOption::Basic),
            title: text(
                &mut schema,
                "title",
                words::STEMMED,
                IndexRecordOption::WithFreqs,
            ),
            variants: text(
                &mut schema,
                "variants",
                words::STEMMED,
                IndexRecordOption::WithFreqs,
            ),
            categories: text(
                &mut schema,
                "categories",
                words::STEMMED,
                IndexRecordOption::WithFreqs,
            ),
            text: text(
                &mut schema,
                "text",
                words::STEMMED,
                IndexRecordOption::WithFreqs,
            ),
            min_price: schema.add_i64_field(MIN_PRICE, FAST),
            max_price: schema.add_i64_field(MAX_PRICE, FAST),
            published: schema.add_i64_field(PUBLISHED, FAST),
        };
        (schema.build(), fields)
    }
}

fn text(
    schema: &mut SchemaBuilder,
    name: &str,
    tokenizer: &str,
    record: IndexRecordOption,
) -> Field {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(tokenizer)
        .set_index_option(record);
    schema.add_text_field(name, TextOptions::default().set_indexing_options(indexing))
}
