//! Products in the back office: listing, starting, editing, pictures, copies, and two people at once.

use commerce::accounts::Role;

use crate::browser::{Answer, Browser, HOME};
use crate::harness::App;
use crate::page::Form;

/// Starts a product from its name and price, and gives the path of its page.
pub(super) async fn starts(browser: &mut Browser, title: &str, price: &str) -> String {
    let page = browser.get("/admin/products/new").await;
    let form = page.form("/admin/products");
    let to = browser
        .submit(&form.with("title", title).with("price", price))
        .await
        .leads_to();
    to.split('?').next().unwrap().to_owned()
}

/// The form of a product's page.
pub(super) async fn opens(browser: &mut Browser, path: &str) -> Form {
    let page = browser.get(path).await;
    assert_eq!(page.status, 200, "{}", page.words());
    page.form(path)
}

/// What a form says in a field of which there is one.
fn value<'a>(form: &'a Form, name: &str) -> &'a str {
    form.value(name)
}

/// A product with two options: two glazes, two heights.
async fn makes_a_vase(browser: &mut Browser) -> String {
    let path = starts(browser, "Tarn vase", "44").await;
    let form = opens(browser, &path)
        .await
        .with("options.0.name", "Glaze")
        .with("options.0.values", "Spruce, Ash\nspruce");
    let staged = browser.submit(&form.press("intent", "arrange")).await;
    assert_eq!(staged.status, 200, "{}", staged.words());
    let form = staged
        .form(&path)
        .with("options.1.name", "Height")
        .with("options.1.values", "16 cm\n24 cm");
    let staged = browser.submit(&form.press("intent", "arrange")).await;
    let form = staged.form(&path).with("variants.1.price", "68,50");
    let saved = browser.submit(&form.press("intent", "save")).await;
    assert_eq!(saved.status, 303, "{}", saved.words());
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_that_is_wrong_is_named_at_once_with_its_field_and_variant() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Catalogue).await;
    let path = makes_a_vase(&mut ines).await;
    let form = opens(&mut ines, &path).await;
    let spoilt = form
        .with("title", " ")
        .with("variants.1.price", "a lot")
        .with("variants.2.sku", "");
    let page = ines.submit(&spoilt.press("intent", "save")).await;
    page.says(
        422,
        &[
            "Name: Fill this in.",
            "Spruce / 24 cm, Price: Enter an amount",
            "Ash / 16 cm, SKU:",
        ],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_product_starts_with_a_name_and_a_price_and_gets_two_options_without_script() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Catalogue).await;
    let path = makes_a_vase(&mut ines).await;

    let form = opens(&mut ines, &path).await;
    let prices: Vec<&str> = (0..4)
        .map(|row| value(&form, &format!("variants.{row}.price")))
        .collect();
    assert_eq!(prices, ["44.00", "68.50", "44.00", "44.00"]);
    assert_eq!(value(&form, "slug"), "tarn-vase");
    assert_eq!(value(&form, "options.0.values.1.name"), "Ash");
    assert!(!form.fields.iter().any(|(name, _)| name == "variants.4.sku"));
    let words = ines.get(&path).await.words();
    assert!(words.contains("Spruce / 24 cm"), "{words}");
    assert!(
        words.contains("things left before it can be sold"),
        "{words}"
    );

    let live = form.with("status", "active").press("intent", "save");
    assert_eq!(ines.submit(&live).await.status, 303);
    let shop = app.browser().get("/products/tarn-vase").await;
    assert_eq!(shop.status, 200);
    assert!(shop.words().contains("Glaze"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arranging_saves_nothing_and_new_values_are_looked_through_before_they_are_saved() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let path = starts(&mut ines, "Tea bowl", "12.50").await;
    let before = app.everything().await;
    let form = opens(&mut ines, &path)
        .await
        .with("title", "Tea bowl, wide")
        .with("options.0.name", "Size")
        .with("options.0.values", "S, M, L");
    let staged = ines.submit(&form.clone().press("intent", "arrange")).await;
    assert_eq!(staged.status, 200);
    assert!(
        staged.words().contains("2 new rows were added below"),
        "{}",
        staged.words()
    );
    assert_eq!(staged.form(&path).value("title"), "Tea bowl, wide");
    // Whoever saves at once sees the rows first.
    let refused = ines.submit(&form.press("intent", "save")).await;
    assert_eq!(refused.status, 422);
    assert!(refused.words().contains("The new values had no rows yet"));
    assert_eq!(app.everything().await, before);

    let saved = ines
        .submit(&refused.form(&path).press("intent", "save"))
        .await;
    assert_eq!(saved.status, 303, "{}", saved.words());
    let form = opens(&mut ines, &path).await;
    assert_eq!(form.value("variants.2.price"), "12.50");
    assert_eq!(form.value("title"), "Tea bowl, wide");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_value_names_the_variants_that_go_and_wants_a_yes() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let path = makes_a_vase(&mut ines).await;
    let form = opens(&mut ines, &path)
        .await
        .with("options.1.values.1.name", "");
    let asked = ines.submit(&form.press("intent", "save")).await;
    assert_eq!(asked.status, 422);
    let words = asked.words();
    assert!(words.contains("Saving removes these 2 variants"), "{words}");
    assert!(words.contains("Ash / 24 cm"), "{words}");
    let yes = asked.form(&path).with("remove_variants", "yes");
    let saved = ines.submit(&yes.press("intent", "save")).await;
    assert_eq!(saved.status, 303, "{}", saved.words());
    let form = opens(&mut ines, &path).await;
    assert!(!form.fields.iter().any(|(name, _)| name == "variants.2.sku"));

    // A value that is only called otherwise keeps its variants.
    let id = form.value("variants.0.is").to_owned();
    let renamed = form.with("options.0.values.0.name", "Pine");
    assert_eq!(
        ines.submit(&renamed.press("intent", "save")).await.status,
        303
    );
    let page = ines.get(&path).await;
    assert_eq!(page.form(&path).value("variants.0.is"), id);
    assert!(page.words().contains("Pine / 16 cm"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_variant_with_stock_cannot_be_removed_and_the_page_says_why() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let path = starts(&mut ines, "Mug", "9").await;
    let form = opens(&mut ines, &path)
        .await
        .with("options.0.name", "Size")
        .with("options.0.values", "S, M");
    let staged = ines.submit(&form.press("intent", "arrange")).await;
    let form = staged.form(&path).with("variants.1.opening", "5");
    assert_eq!(ines.submit(&form.press("intent", "save")).await.status, 303);
    let page = ines.get(&path).await;
    assert!(page.words().contains('5'));
    let form = page
        .form(&path)
        .with("variants.1.gone", "on")
        .with("remove_variants", "yes");
    let refused = ines.submit(&form.press("intent", "save")).await;
    assert_eq!(refused.status, 422, "{}", refused.words());
    assert!(
        refused.words().contains("stock ledger"),
        "{}",
        refused.words()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_comes_back_as_it_was_typed_with_a_sentence_at_each_field() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let page = ines.get("/admin/products/new").await;
    let form = page.form("/admin/products");
    let form = form.with("title", "  ").with("price", "€12");
    let refused = ines.submit(&form).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.form("/admin/products").value("price"), "€12");

    let path = starts(&mut ines, "Mug", "9").await;
    starts(&mut ines, "Bowl", "9").await;
    let form = opens(&mut ines, &path).await;
    let bad = [
        ("title", ""),
        ("slug", "Not A Slug"),
        ("variants.0.price", "1.2.3"),
        ("variants.0.compare_at", "lots"),
        ("variants.0.weight", "-4"),
        ("variants.0.sku", ""),
    ];
    let typed = bad
        .iter()
        .fold(form.clone(), |form, (name, value)| form.with(name, value));
    let refused = ines.submit(&typed.press("intent", "save")).await;
    assert_eq!(refused.status, 422);
    let again = refused.form(&path);
    for (name, value) in bad {
        assert_eq!(again.value(name), value, "{name}");
    }
    for name in bad
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| *name != "title")
    {
        let link = format!("href=\"#{name}\"");
        assert!(
            refused.text().contains(&link),
            "{name} is not in the summary"
        );
    }
    let reduced = form.clone().with("variants.0.compare_at", "5");
    let refused = ines.submit(&reduced.press("intent", "save")).await;
    assert!(
        refused.words().contains("The earlier price must be higher"),
        "{}",
        refused.words()
    );
    for (field, text) in [
        ("slug", "taken by another product"),
        ("variants.0.sku", "Another product has this SKU"),
    ] {
        let taken = if field == "slug" { "bowl" } else { "BOWL" };
        let refused = ines
            .submit(&form.clone().with(field, taken).press("intent", "save"))
            .await;
        assert_eq!(refused.status, 422);
        assert!(refused.words().contains(text), "{}", refused.words());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_who_edit_one_product_lose_nothing() {
    let app = App::new().await;
    let (mut ines, mut tomas) = (app.staff(Role::Owner).await, app.staff(Role::Manager).await);
    let path = starts(&mut ines, "Mug", "9").await;
    let (hers, his) = (
        opens(&mut ines, &path).await,
        opens(&mut tomas, &path).await,
    );
    let hers = hers.with("title", "Wide mug").press("intent", "save");
    assert_eq!(ines.submit(&hers).await.status, 303);

    let before = app.everything().await;
    let his = his
        .with("variants.0.price", "11.00")
        .with("description", "Holds tea.")
        .press("intent", "save");
    let both = tomas.submit(&his).await;
    assert_eq!(both.status, 409);
    assert_eq!(app.everything().await, before, "nothing is written");
    let words = both.words();
    for text in [
        "Somebody else saved this product",
        "Wide mug",
        "11.00",
        "9.00",
        "Holds tea.",
    ] {
        assert!(words.contains(text), "{text} is missing: {words}");
    }
    let again = both.form(&path);
    assert_eq!(again.value("variants.0.price"), "11.00");
    assert_eq!(again.value("title"), "Mug");
    // He takes her name over and saves knowingly.
    let over = again.with("title", "Wide mug").press("intent", "save");
    assert_eq!(tomas.submit(&over).await.status, 303);
    let form = opens(&mut ines, &path).await;
    assert_eq!(
        (form.value("title"), form.value("variants.0.price")),
        ("Wide mug", "11.00")
    );
    assert_eq!(form.value("description"), "Holds tea.");
}

/// A form with files, as a browser sends it.
pub(super) fn with_files(form: &Form, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in &form.fields {
        if name != "files" {
            body.extend_from_slice(
                format!(
                    "--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
                )
                .as_bytes(),
            );
        }
    }
    for (name, bytes) in files {
        body.extend_from_slice(
            format!(
                "--cut\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\nContent-Type: image/png\r\n\r\n"
            )
            .as_bytes(),
        );
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--cut--\r\n");
    body
}

pub(super) async fn uploads(browser: &mut Browser, path: &str, body: Vec<u8>) -> Answer {
    let headers = [
        ("content-type", "multipart/form-data; boundary=cut"),
        ("origin", HOME),
        ("sec-fetch-site", "same-origin"),
    ];
    browser
        .ask("POST", &format!("{path}/pictures"), &headers, body)
        .await
}

/// A photo, as a phone would send it.
fn photo() -> Vec<u8> {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../demo/pictures/brass-scoop-1.webp"
    );
    std::fs::read(file).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_are_taken_in_with_what_was_typed_and_poisoned_files_do_not_spoil_the_rest() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let path = starts(&mut ines, "Mug", "9").await;
    let form = opens(&mut ines, &path)
        .await
        .with("summary", "Holds \"tea\".");
    let good = photo();
    let mut cut_off = good.clone();
    cut_off.truncate(good.len() / 2);
    let files: [(&str, &[u8]); 5] = [
        ("mug.png", &good),
        (
            "evil.svg",
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        ),
        ("<script>.png", b"\x89PNG\r\n\x1a\nnothing"),
        ("half.png", &cut_off),
        ("empty.png", b""),
    ];
    let answer = uploads(&mut ines, &path, with_files(&form, &files)).await;
    assert_eq!(answer.status, 422);
    let words = answer.words();
    assert!(words.contains("1 picture is ready"), "{words}");
    for name in ["evil.svg", "<script>.png", "half.png", "empty.png"] {
        assert!(words.contains(name), "{name}: {words}");
    }
    assert!(
        !answer.text().contains("<script>.png"),
        "a file's name is never markup"
    );
    let form = answer.form(&path);
    assert_eq!(form.value("summary"), "Holds \"tea\".");
    let form = form.with("pictures.0.alt", "A mug").press("intent", "save");
    assert_eq!(ines.submit(&form).await.status, 303);
    let form = opens(&mut ines, &path).await;
    assert_eq!(form.value("pictures.0.alt"), "A mug");

    let removed = form.with("pictures.0.gone", "on").press("intent", "save");
    assert_eq!(ines.submit(&removed).await.status, 303);
    let form = opens(&mut ines, &path).await;
    assert!(!form.fields.iter().any(|(name, _)| name == "pictures.0.id"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_is_not_taken_from_a_form_of_somewhere_else() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let path = starts(&mut ines, "Mug", "9").await;
    let before = app.everything().await;
    let forged = Form::of(&path, &[("csrf", "forged")]);
    let body = with_files(&forged, &[("mug.png", &photo())]);
    assert_eq!(uploads(&mut ines, &path, body).await.status, 403);
    assert_eq!(app.everything().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_a_draft_of_its_own() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let path = makes_a_vase(&mut ines).await;
    let page = ines.get(&path).await;
    let to = ines
        .submit(&page.form(&format!("{path}/duplicate")))
        .await
        .leads_to();
    let copy = ines.get(&to).await;
    assert!(
        copy.words().contains("This is the copy"),
        "{}",
        copy.words()
    );
    let at = to.split('?').next().unwrap();
    let form = copy.form(at);
    assert_eq!(
        (form.value("slug"), form.value("status")),
        ("tarn-vase-copy", "draft")
    );
    assert_ne!(
        form.value("variants.0.sku"),
        page.form(&path).value("variants.0.sku")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn archiving_many_can_be_undone_and_each_gets_back_what_it_was() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    app.sells("Mug", 900, 5).await;
    app.drafts("Bowl").await;
    let list = ines.get("/admin/products").await;
    let ids: Vec<String> = crate::page::addresses(&list.text())
        .iter()
        .filter_map(|url| url.strip_prefix("/admin/products/"))
        .filter(|rest| rest.starts_with("prod_"))
        .map(str::to_owned)
        .collect();
    assert_eq!(ids.len(), 2, "{ids:?}");
    let form = ids
        .iter()
        .fold(list.form("/admin/products/status"), |form, id| {
            form.with(&format!("id.{id}"), "on")
        });
    let to = ines.submit(&form.press("to", "archived")).await.leads_to();
    let archived = ines.get(&to).await;
    assert!(
        archived.words().contains("Archived 2 products"),
        "{}",
        archived.words()
    );
    assert_eq!(app.browser().get("/products/mug").await.status, 410);

    let undo = Form::all(&archived.text())
        .into_iter()
        .find(|form| {
            form.fields
                .iter()
                .any(|(name, _)| name.starts_with("give."))
        })
        .expect("a way to undo it");
    let to = ines.submit(&undo).await.leads_to();
    assert!(
        ines.get(&to)
            .await
            .words()
            .contains("2 products are as they were")
    );
    assert_eq!(app.browser().get("/products/mug").await.status, 200);
    assert_eq!(app.browser().get("/products/bowl").await.status, 404);
    // The second click changes nothing.
    let to = ines.submit(&undo).await.leads_to();
    assert!(
        ines.get(&to)
            .await
            .words()
            .contains("Nothing had to be changed")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_is_searched_narrowed_and_sorted() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Viewer).await;
    app.sells("Tea bowl", 900, 5).await;
    app.sells("Mug", 1_200, 0).await;
    app.drafts("Vase").await;
    let all = ines.get("/admin/products?sort=title").await;
    let words = all.words();
    let place = |name: &str| {
        words
            .find(name)
            .unwrap_or_else(|| panic!("{name}: {words}"))
    };
    assert!(place("Mug") < place("Tea bowl") && place("Tea bowl") < place("Vase"));
    assert!(
        !all.text().contains("id=\"bulk\""),
        "who may only look is offered nothing to press"
    );
    let found = ines.get("/admin/products?q=tea").await.words();
    assert!(
        found.contains("Tea bowl") && !found.contains("Mug"),
        "{found}"
    );
    let drafts = ines.get("/admin/products?view=draft").await.words();
    assert!(
        drafts.contains("Vase") && !drafts.contains("Tea bowl"),
        "{drafts}"
    );
    let nothing = ines.get("/admin/products?q=kettle").await.words();
    assert!(nothing.contains("No products match"), "{nothing}");
    for odd in [
        "?page=0",
        "?page=99999999999",
        "?sort=x&view=y&category=z",
        "?q=%27%22%3C",
    ] {
        assert_eq!(
            ines.get(&format!("/admin/products{odd}")).await.status,
            200,
            "{odd}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_only_look_at_a_product_cannot_change_it() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let path = starts(&mut ines, "Mug", "9").await;
    let mut viewer = app.staff(Role::Viewer).await;
    let page = viewer.get(&path).await;
    assert_eq!(page.status, 200);
    assert!(!page.words().contains("Save product"), "{}", page.words());
    let form = page.form(&path).with("title", "Mine");
    assert_eq!(viewer.submit(&form).await.status, 403);
    assert_eq!(
        viewer
            .get("/admin/products/prod_00000000000000000000000000")
            .await
            .status,
        404
    );
    assert_eq!(viewer.get("/admin/products/nonsense").await.status, 404);
}
