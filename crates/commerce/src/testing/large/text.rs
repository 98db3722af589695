//! The words a large shop is made of. They are numbered and, beside each, there is the form it is found by.

/// Names of people.
pub(super) const FIRST_NAMES: &[(&str, &str)] = &[
    ("Noor", "noor"),
    ("Zoë", "zoe"),
    ("Jan", "jan"),
    ("Anne", "anne"),
    ("Émile", "emile"),
    ("Sofie", "sofie"),
    ("Lars", "lars"),
    ("Maud", "maud"),
    ("Pieter", "pieter"),
    ("Rosa", "rosa"),
    ("Ties", "ties"),
    ("Vera", "vera"),
    ("Willem", "willem"),
    ("Yara", "yara"),
    ("Björn", "bjorn"),
    ("Carla", "carla"),
    ("Daan", "daan"),
];

/// Their families'.
pub(super) const LAST_NAMES: &[(&str, &str)] = &[
    ("Dekker", "dekker"),
    ("Jansen", "jansen"),
    ("Bakker", "bakker"),
    ("Visser", "visser"),
    ("Smit", "smit"),
    ("Meijer", "meijer"),
    ("Mulder", "mulder"),
    ("Bos", "bos"),
    ("Vos", "vos"),
    ("Peters", "peters"),
    ("Hendriks", "hendriks"),
    ("Dijkstra", "dijkstra"),
    ("Kuiper", "kuiper"),
    ("Postma", "postma"),
    ("Willems", "willems"),
    ("Jacobs", "jacobs"),
    ("Müller", "muller"),
    ("Andersson", "andersson"),
    ("Lefèvre", "lefevre"),
];

/// What products are like.
pub(super) const ADJECTIVES: &[(&str, &str)] = &[
    ("Tarn", "tarn"),
    ("Moor", "moor"),
    ("Quiet", "quiet"),
    ("Heath", "heath"),
    ("Émail", "email"),
    ("Dune", "dune"),
    ("Slate", "slate"),
    ("Amber", "amber"),
    ("Frost", "frost"),
    ("Linen", "linen"),
    ("Walnut", "walnut"),
];

/// What they are.
pub(super) const NOUNS: &[(&str, &str)] = &[
    ("vase", "vase"),
    ("bowl", "bowl"),
    ("mug", "mug"),
    ("plate", "plate"),
    ("jug", "jug"),
    ("lamp", "lamp"),
    ("blanket", "blanket"),
    ("candle", "candle"),
    ("tray", "tray"),
    ("stool", "stool"),
    ("teapot", "teapot"),
    ("basket", "basket"),
    ("print", "print"),
];

/// These words as a table of SQL with columns `place`, `word` and `folded`.
pub(super) fn table(name: &str, words: &[(&str, &str)]) -> String {
    let rows: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(place, (word, folded))| format!("({place}, '{word}', '{folded}')"))
        .collect();
    format!(
        "{name} (place, word, folded) AS (VALUES {})",
        rows.join(", ")
    )
}

/// How many words these are, as SQL.
pub(super) fn count(words: &[(&str, &str)]) -> usize {
    words.len()
}

/// A product's story.
pub(super) const STORY: &str = "Thrown and turned by hand in a small workshop by the water, from clay that is dug a morning''s walk away. \
    The glaze is mixed from ash and local stone, so that no two pieces come out of the kiln alike. It is fired twice, keeps warm for \
    long, and may go into the dishwasher. Each piece is packed in straw paper, without plastic, and leaves on the next working day.";
