//! Stock in the back office: the list, a variant's movements, correcting a figure, and the places that hold stock.

use commerce::accounts::Role;

use crate::harness::App;
use crate::page::Form;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_shows_what_is_low_and_what_is_out() {
    let app = App::new().await;
    app.sells("Mug", 900, 40).await;
    app.sells("Bowl", 900, 1).await;
    app.sells("Vase", 900, 0).await;
    let mut lou = app.staff(Role::Fulfilment).await;
    let all = lou.get("/admin/inventory").await.words();
    assert!(
        all.contains("Mug") && all.contains("Bowl") && all.contains("Vase"),
        "{all}"
    );
    let out = lou.get("/admin/inventory?view=out").await.words();
    assert!(
        out.contains("Vase") && !out.contains("Mug") && !out.contains("Bowl"),
        "{out}"
    );
    let low = lou.get("/admin/inventory?view=low").await.words();
    assert!(low.contains("Bowl") && !low.contains("Mug"), "{low}");
    let found = lou.get("/admin/inventory?q=bow").await.words();
    assert!(found.contains("Bowl") && !found.contains("Vase"), "{found}");
    let nothing = lou.get("/admin/inventory?q=kettle").await.words();
    assert!(nothing.contains("Nothing matches"), "{nothing}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_figure_is_changed_with_a_reason_and_the_movement_stays() {
    let app = App::new().await;
    let mug = app.sells("Mug", 900, 5).await;
    let mut lou = app.staff(Role::Fulfilment).await;
    let path = format!("/admin/inventory/{}", mug.variant);
    let form = lou.get(&path).await.form(&path);
    let form = form
        .with("kind", "adjusted")
        .with("change", "-2")
        .with("reason", "Two <broken>");
    let to = lou.submit(&form).await.leads_to();
    let words = lou.get(&to).await.words();
    assert!(
        words.contains("Changed the stock by −2. On hand now: 3."),
        "{words}"
    );
    assert!(words.contains("Two <broken>"), "{words}");
    let mut viewer = app.staff(Role::Viewer).await;
    let page = viewer.get(&path).await.text();
    assert!(page.contains("<td><span>Ines Vermeer<"), "it says who");

    let before = app.everything().await;
    for (name, value, text) in [
        ("change", "many", "Enter a whole number"),
        ("change", "0", "Change the stock by 1"),
        ("change", "-99", "the stock cannot go below"),
        ("reason", " ", "Say why"),
        ("kind", "shipped", "follows from orders"),
        ("kind", "stolen", "Choose what happened"),
        ("location", "nowhere", "Choose where"),
    ] {
        let refused = lou.submit(&form.clone().with(name, value)).await;
        assert_eq!(refused.status, 422, "{name}={value}");
        assert!(
            refused.words().contains(text),
            "{text}: {}",
            refused.words()
        );
        assert_eq!(
            refused.form(&path).value("reason"),
            if name == "reason" {
                value
            } else {
                "Two <broken>"
            }
        );
    }
    assert_eq!(
        app.everything().await,
        before,
        "nothing refused was written"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_only_look_sees_the_figures_and_no_form() {
    let app = App::new().await;
    let mug = app.sells("Mug", 900, 5).await;
    let path = format!("/admin/inventory/{}", mug.variant);
    let mut viewer = app.staff(Role::Viewer).await;
    let page = viewer.get(&path).await;
    assert_eq!(page.status, 200);
    assert!(!page.words().contains("Change stock"));
    let token = page.value_of("csrf");
    let fields = [
        ("csrf", token.as_str()),
        ("kind", "received"),
        ("change", "5"),
        ("reason", "x"),
    ];
    assert_eq!(viewer.submit(&Form::of(&path, &fields)).await.status, 403);
    assert_eq!(
        viewer
            .get("/admin/inventory/var_00000000000000000000000000")
            .await
            .status,
        404
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_location_is_added_and_needs_a_name() {
    let app = App::new().await;
    let mut lou = app.staff(Role::Fulfilment).await;
    let path = "/admin/inventory/locations";
    let form = lou.get(path).await.form(path);
    assert_eq!(lou.submit(&form).await.status, 422);
    let to = lou
        .submit(&form.with("name", "Shop & front"))
        .await
        .leads_to();
    let words = lou.get(&to).await.words();
    assert!(words.contains("Added Shop & front"), "{words}");
}
