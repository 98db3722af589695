//! Categories and collections in the back office.

use commerce::accounts::Role;

use crate::browser::Browser;
use crate::harness::App;

/// Adds a category and gives the path of its page.
async fn adds(browser: &mut Browser, title: &str, parent: &str) -> String {
    let form = browser
        .get("/admin/categories")
        .await
        .form("/admin/categories");
    let form = form.with("title", title).with("parent", parent);
    let to = browser.submit(&form).await.leads_to();
    to.split('?').next().unwrap().to_owned()
}

fn id_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn categories_are_added_moved_renamed_and_deleted() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Catalogue).await;
    let indoors = adds(&mut ines, "Indoors", "").await;
    let garden = adds(&mut ines, "Garden", "").await;
    let vases = adds(&mut ines, "Vases", id_of(&indoors)).await;
    let up = ines
        .get("/admin/categories")
        .await
        .form(&format!("{garden}/move"));
    ines.submit(&up.with("to", "up")).await.leads_to();
    let words = ines.get("/admin/categories").await.words();
    let place = |name: &str| {
        words
            .find(name)
            .unwrap_or_else(|| panic!("{name}: {words}"))
    };
    assert!(
        place("Garden") < place("Indoors") && place("Indoors") < place("Vases"),
        "{words}"
    );

    let form = ines.get(&vases).await.form(&vases);
    let renamed = form
        .clone()
        .with("title", "Tall vases")
        .with("parent", id_of(&garden));
    assert_eq!(ines.submit(&renamed).await.status, 303);
    assert!(ines.get(&vases).await.words().contains("Tall vases"));
    // Below itself it cannot stand; what was typed stays.
    let form = ines.get(&garden).await.form(&garden).with("title", "Yard");
    let refused = ines.submit(&form.with("parent", id_of(&vases))).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.form(&garden).value("title"), "Yard");

    let token = ines.get("/admin/categories").await.value_of("csrf");
    let delete = |path: &str| crate::page::Form::of(&format!("{path}/delete"), &[("csrf", &token)]);
    let blocked = ines.submit(&delete(&garden)).await;
    assert_eq!(blocked.status, 422);
    assert!(
        blocked
            .words()
            .contains("Move or delete the categories below it first")
    );
    assert_eq!(ines.submit(&delete(&vases)).await.status, 303);
    assert_eq!(ines.get(&vases).await.status, 404);
    let form = ines
        .get("/admin/categories")
        .await
        .form("/admin/categories");
    let refused = ines.submit(&form.with("title", "Indoors")).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.words().contains("choose another"),
        "{}",
        refused.words()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn products_are_found_put_on_a_shelf_ordered_and_taken_off() {
    let app = App::new().await;
    app.sells("Tea bowl", 900, 5).await;
    app.sells("Tea cup", 900, 5).await;
    let mut ines = app.staff(Role::Manager).await;
    let indoors = adds(&mut ines, "Indoors", "").await;
    let form = ines
        .get("/admin/collections")
        .await
        .form("/admin/collections");
    let to = ines.submit(&form.with("title", "Gifts")).await.leads_to();
    let gifts = to.split('?').next().unwrap().to_owned();
    for shelf in [indoors, gifts] {
        let form = ines.get(&shelf).await.form(&shelf);
        let found = ines
            .submit(&form.with("find", "tea").press("intent", "find"))
            .await;
        assert_eq!(found.status, 200);
        let text = found.text();
        let ids: Vec<String> = text
            .split("name=\"add.")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect();
        assert_eq!(ids.len(), 2, "{}", found.words());
        let form = ids.iter().fold(found.form(&shelf), |form, id| {
            form.with(&format!("add.{id}"), "on")
        });
        assert_eq!(ines.submit(&form.press("intent", "save")).await.status, 303);

        let page = ines.get(&shelf).await;
        let (first, second) = (&ids[0], &ids[1]);
        let form = page.form(&shelf);
        let places = |form: &crate::page::Form| {
            let fields = form.fields.iter();
            let ids = fields.filter_map(|(name, _)| name.strip_prefix("place."));
            ids.map(str::to_owned).collect::<Vec<_>>()
        };
        let order = places(&form);
        assert_eq!(order.len(), 2);
        let form = form
            .with(&format!("place.{}", order[1]), "1")
            .press("intent", "save");
        assert_eq!(ines.submit(&form).await.status, 303);
        let form = ines.get(&shelf).await.form(&shelf);
        assert_eq!(places(&form), [order[1].clone(), order[0].clone()]);

        let form = form
            .with(&format!("gone.{first}"), "on")
            .press("intent", "save");
        assert_eq!(ines.submit(&form).await.status, 303);
        let form = ines.get(&shelf).await.form(&shelf);
        assert_eq!(places(&form), std::slice::from_ref(second));
    }
    let shop = app.browser().get("/c/indoors").await.words();
    assert!(shop.contains("Tea"), "{shop}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_only_look_is_offered_no_form() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let indoors = adds(&mut ines, "Indoors", "").await;
    let mut viewer = app.staff(Role::Viewer).await;
    assert!(
        !viewer
            .get("/admin/categories")
            .await
            .words()
            .contains("Add category")
    );
    let page = viewer.get(&indoors).await;
    assert_eq!(page.status, 200);
    assert!(!page.words().contains("Save category"));
    assert_eq!(viewer.submit(&page.form(&indoors)).await.status, 403);
    assert_eq!(viewer.get("/admin/collections/none").await.status, 404);
}
