//! What shoppers type, and what they find.

use kernel::{PageRequest, ProductId, RandomIds, Timestamp};
use proptest::prelude::*;

use super::{
    Entry, Found, IndexError, IndexedProduct, Order, Query, Reached, SearchIndex, Spelling,
};

fn product(title: &str, text: &str) -> IndexedProduct {
    IndexedProduct {
        id: ProductId::new(&RandomIds),
        title: title.to_owned(),
        variants: Vec::new(),
        codes: vec![title.to_uppercase().replace(' ', "-")],
        categories: Vec::new(),
        text: text.to_owned(),
        min_price_minor: 1_000,
        max_price_minor: 1_000,
        published_at: None,
    }
}

fn reached(revision: i64) -> Reached {
    Reached {
        shop: "shop".to_owned(),
        revision,
    }
}

fn learn(index: &SearchIndex, products: &[IndexedProduct]) {
    let entries: Vec<Entry> = products
        .iter()
        .map(|product| Entry::Put(Box::new(product.clone())))
        .collect();
    index.learn(&entries).unwrap();
    index.commit(&reached(1)).unwrap();
}

/// A small shop's products in memory.
fn shop() -> (SearchIndex, Vec<IndexedProduct>) {
    let mut vase = product(
        "Tarn vase, dipped",
        "Thrown in speckled stoneware, then dipped once to the shoulder.",
    );
    vase.variants = vec!["Spruce / 24 cm".to_owned(), "Ash / 32 cm".to_owned()];
    vase.codes = vec!["TARN-SPR-24".to_owned(), "2012345678903".to_owned()];
    vase.categories = vec!["Ceramics".to_owned(), "Vases".to_owned()];
    let mut coffee = product(
        "Hearthlight espresso",
        "A slow roast of two washed coffees. Tastes of fig and cocoa.",
    );
    coffee.variants = vec!["250 g / Whole bean".to_owned()];
    coffee.categories = vec!["Coffee".to_owned()];
    coffee.min_price_minor = 1_250;
    let mut shoes = product("Nike shoes", "For running to the canal.");
    shoes.min_price_minor = 9_000;
    let bowl = product("Marigold bowl", "Stoneware. Stands beside a vase.");
    let jar = product("Crème brûlée dishes", "Six of them, for the café.");
    let products = vec![vase, coffee, shoes, bowl, jar];
    let index = SearchIndex::in_memory().unwrap();
    learn(&index, &products);
    (index, products)
}

fn query(text: &str) -> Query {
    Query {
        text: text.to_owned(),
        order: Order::Relevance,
        page: PageRequest::new(1, 24),
        spelling: Spelling::Correct,
    }
}

fn find(index: &SearchIndex, text: &str) -> Found {
    index.find(&query(text)).unwrap()
}

/// The first words of the titles found.
fn titles(index: &SearchIndex, products: &[IndexedProduct], text: &str) -> Vec<String> {
    let title = |id: &ProductId| {
        products
            .iter()
            .find(|product| product.id == *id)
            .unwrap()
            .title
            .split(' ')
            .next()
            .unwrap()
            .to_owned()
    };
    find(index, text).ids.iter().map(title).collect()
}

#[test]
fn words_are_found_in_names_before_texts() {
    let (index, products) = shop();
    assert_eq!(titles(&index, &products, "vase"), ["Tarn", "Marigold"]);
    assert_eq!(
        titles(&index, &products, "stoneware vases"),
        ["Tarn", "Marigold"]
    );
    assert_eq!(titles(&index, &products, "spruce"), ["Tarn"]);
    assert_eq!(titles(&index, &products, "ceramics"), ["Tarn"]);
    assert_eq!(titles(&index, &products, "roasted coffee"), ["Hearthlight"]);
}

#[test]
fn accents_case_and_the_space_before_a_unit_make_no_difference() {
    let (index, products) = shop();
    assert_eq!(titles(&index, &products, "creme BRULEE"), ["Crème"]);
    assert_eq!(titles(&index, &products, "café"), ["Crème"]);
    assert_eq!(titles(&index, &products, "tarn 24cm"), ["Tarn"]);
    assert_eq!(
        titles(&index, &products, "the vase for me"),
        ["Tarn", "Marigold"]
    );
}

#[test]
fn an_article_number_or_barcode_comes_first() {
    let (index, mut products) = shop();
    let mut namesake = product("TARN SPR 24 stand", "Holds TARN-SPR-24. Tarn Spr 24 only.");
    namesake.codes = vec!["STAND".to_owned()];
    products.push(namesake);
    learn(&index, &products);
    assert_eq!(titles(&index, &products, "tarn-spr-24")[0], "Tarn");
    assert_eq!(titles(&index, &products, "2012345678903"), ["Tarn"]);
    assert_eq!(titles(&index, &products, "NIKE-SHOES"), ["Nike"]);
}

#[test]
fn slips_of_the_finger_are_forgiven_and_said() {
    let (index, products) = shop();
    assert_eq!(titles(&index, &products, "nikee shos"), ["Nike"]);
    assert_eq!(
        find(&index, "nikee shos").corrected.as_deref(),
        Some("nike shoes")
    );
    assert_eq!(
        find(&index, "hearthlihgt expresso").corrected.as_deref(),
        Some("hearthlight espresso")
    );
    assert_eq!(
        find(&index, "stonewrae vase").corrected.as_deref(),
        Some("stoneware vase")
    );
    assert_eq!(find(&index, "vase").corrected, None);
    let as_typed = index
        .find(&Query {
            spelling: Spelling::AsTyped,
            ..query("nikee shos")
        })
        .unwrap();
    assert_eq!((as_typed.total, as_typed.corrected), (0, None));
}

#[test]
fn the_last_word_may_be_unfinished() {
    let (index, products) = shop();
    assert_eq!(titles(&index, &products, "hearth"), ["Hearthlight"]);
    assert_eq!(titles(&index, &products, "marigold bo"), ["Marigold"]);
    assert!(titles(&index, &products, "hearth bowl").is_empty());
}

#[test]
fn when_nothing_has_all_the_words_each_is_counted() {
    let (index, _) = shop();
    let found = find(&index, "espresso vase zebra");
    assert_eq!((found.total, found.ids.len()), (0, 0));
    let words: Vec<_> = found
        .words
        .iter()
        .map(|(word, count)| (word.as_str(), *count))
        .collect();
    assert_eq!(words, [("espresso", 1), ("vase", 2), ("zebra", 0)]);
}

#[test]
fn results_come_in_pages_and_in_the_order_asked_for() {
    let index = SearchIndex::in_memory().unwrap();
    let mugs: Vec<IndexedProduct> = (1..=5)
        .map(|number| IndexedProduct {
            min_price_minor: number * 100,
            max_price_minor: 1_000 - number,
            published_at: Some(Timestamp::from_millis(1_000 * ((number * 2) % 5))),
            ..product(&format!("Mug {number}"), "")
        })
        .collect();
    learn(&index, &mugs);
    let page = |order, number| {
        let found = index
            .find(&Query {
                order,
                page: PageRequest::new(number, 2),
                ..query("mug")
            })
            .unwrap();
        assert_eq!(found.total, 5);
        let place = |id: &ProductId| mugs.iter().position(|mug| mug.id == *id).unwrap() + 1;
        found.ids.iter().map(place).collect::<Vec<_>>()
    };
    assert_eq!(
        (page(Order::PriceUp, 1), page(Order::PriceUp, 3)),
        (vec![1, 2], vec![5])
    );
    assert_eq!(page(Order::PriceDown, 1), [1, 2]);
    assert_eq!(page(Order::Newest, 1), [2, 4]);
    assert!(page(Order::Relevance, 4).is_empty());
}

#[test]
fn what_is_removed_is_not_found_and_what_is_changed_is_found_once() {
    let (index, products) = shop();
    let mut vase = products[0].clone();
    vase.title = "Tarn jug".to_owned();
    index
        .learn(&[
            Entry::Put(Box::new(vase)),
            Entry::Remove(products[1].id.clone()),
        ])
        .unwrap();
    assert_eq!(find(&index, "espresso").total, 1, "not before the commit");
    index.commit(&reached(2)).unwrap();
    assert_eq!(find(&index, "espresso").total, 0);
    assert_eq!(
        (find(&index, "tarn").total, find(&index, "jug").total),
        (1, 1)
    );
}

#[test]
fn an_index_in_a_folder_is_there_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = SearchIndex::in_folder(folder.path()).unwrap();
    assert_eq!(first.reached(), None);
    learn(&first, &[product("Mug", "")]);
    assert_eq!(first.reached(), Some(reached(1)));
    drop(first);
    let second = SearchIndex::in_folder(folder.path()).unwrap();
    assert_eq!(second.reached(), Some(reached(1)));
    assert_eq!(find(&second, "mug").total, 1);
}

#[test]
fn a_second_process_is_told_that_the_folder_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let first = SearchIndex::in_folder(folder.path()).unwrap();
    learn(&first, &[product("Mug", "")]);
    let second = SearchIndex::in_folder(folder.path()).unwrap();
    assert!(matches!(
        second.commit(&reached(2)),
        Err(IndexError::InUse(_))
    ));
    assert_eq!(find(&second, "mug").total, 1, "reading is for everybody");
}

#[test]
fn a_damaged_index_is_thrown_away_and_starts_from_nothing() {
    for damage in [b"nonsense".as_slice(), b""] {
        let folder = tempfile::tempdir().unwrap();
        let first = SearchIndex::in_folder(folder.path()).unwrap();
        learn(&first, &[product("Mug", "")]);
        drop(first);
        for file in std::fs::read_dir(folder.path().join(super::LAYOUT)).unwrap() {
            let path = file.unwrap().path();
            if path
                .extension()
                .is_some_and(|kind| kind == "idx" || kind == "store" || kind == "json")
            {
                std::fs::write(path, damage).unwrap();
            }
        }
        let second = SearchIndex::in_folder(folder.path()).unwrap();
        assert_eq!(second.reached(), None);
        assert_eq!(find(&second, "mug").total, 0);
        learn(&second, &[product("Mug", "")]);
        assert_eq!(find(&second, "mug").total, 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_can_be_typed_is_an_error(text in "\\PC{0,60}|[a-z\" ()*?~^:+\\-\\[\\]{}\\\\/&|!]{0,40}|(nike |shos |[0-9]{1,9} |é|茶){0,30}") {
        thread_local! { static SHOP: (SearchIndex, Vec<IndexedProduct>) = shop(); }
        let found = SHOP.with(|(index, _)| index.find(&query(&text)));
        prop_assert!(found.is_ok(), "{found:?}");
    }
}
