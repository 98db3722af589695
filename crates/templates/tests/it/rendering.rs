use std::fs;

use serde::Serialize;
use serde_json::json;
use tempfile::TempDir;
use templates::{Frames, Mail, Page, Samples, Settings, Templates, Voice};

#[derive(Serialize)]
struct Free(serde_json::Value);

impl Page for Free {
    const TEMPLATE: &'static str = "pages/free.html";
    fn samples() -> Vec<(&'static str, Self)> {
        vec![
            ("ordinary", Self(json!({"name": "Tea"}))),
            ("nameless", Self(json!({"name": null}))),
        ]
    }
}

#[derive(Serialize)]
struct Letter {
    name: &'static str,
}

impl Mail for Letter {
    const NAME: &'static str = "letter";
    fn samples() -> Vec<(&'static str, Self)> {
        vec![("ordinary", Self { name: "Ada" })]
    }
}

fn theme(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let given = [
        ("assets/bundle.txt", "a.css"),
        ("assets/a.css", "a{color:red}"),
        ("assets/icons.svg", "<svg/>"),
    ];
    let words = (
        "locales/en.json",
        r#"{"greet": "Hello {name}", "pieces.one": "{count} piece", "pieces.other": "{count} pieces"}"#,
    );
    for (path, text) in given
        .into_iter()
        .chain([words, ("locales/countries.en.json", "{}")])
        .chain(files.iter().copied())
    {
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    folder
}

fn templates(folder: &TempDir, strict: bool) -> Templates {
    let look_every = Some(std::time::Duration::ZERO);
    Templates::load(Settings {
        folder: Some(folder.path().to_path_buf()),
        look_every,
        strict,
    })
    .unwrap()
}

fn voice() -> Voice {
    Voice::new("en-GB", "Europe/Amsterdam").unwrap()
}

fn rendered_with(
    strict: bool,
    template: &str,
    context: serde_json::Value,
) -> Result<String, String> {
    let folder = theme(&[("pages/free.html", template)]);
    templates(&folder, strict)
        .render(&voice(), &json!({"csrf": "token"}), &Free(context))
        .map_err(|e| e.to_string())
}

fn rendered(template: &str, context: serde_json::Value) -> String {
    rendered_with(true, template, context).unwrap()
}

#[test]
fn what_a_shopper_typed_never_becomes_markup() {
    let nasty = json!({"name": "<script>alert('x')</script> & \"co\"/", "list": ["<b>"]});
    let safe = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;co&quot;/";
    assert_eq!(
        rendered("<p title=\"{{ name }}\">{{ name }}</p>", nasty.clone()),
        format!("<p title=\"{safe}\">{safe}</p>")
    );
    let page = rendered("{{ list }}{{ t('greet', name=name) }}", nasty);
    assert!(!page.contains(['<', '>', '"']), "{page}");
}

#[test]
fn texts_are_escaped_after_their_arguments_are_in() {
    assert_eq!(
        rendered("{{ t('greet', name=name) }}", json!({"name": "<b>"})),
        "Hello &lt;b&gt;"
    );
    assert_eq!(
        rendered("{{ t('pieces', count=n) }}", json!({"n": 1})),
        "1 piece"
    );
    assert_eq!(
        rendered("{{ t('pieces', count=n) }}", json!({"n": 1200})),
        "1,200 pieces"
    );
}

#[test]
fn partials_of_any_name_are_escaped() {
    let folder = theme(&[
        (
            "pages/free.html",
            "{% include 'partials/x.inc' %}{% from 'partials/m.html' import m %}{{ m(name) }}",
        ),
        ("partials/x.inc", "{{ name }}"),
        (
            "partials/m.html",
            "{% macro m(x) %}<i>{{ x }}</i>{{ 100|number }}{{ t('pieces', count=2) }}{% endmacro %}",
        ),
    ]);
    let page = templates(&folder, true)
        .render(&voice(), &json!({}), &Free(json!({"name": "<"})))
        .unwrap();
    assert_eq!(page, "&lt;<i>&lt;</i>1002 pieces");
}

#[test]
fn money_and_dates_follow_the_shops_locale_and_zone() {
    let page = rendered(
        "{{ price|money }} {{ price|money('full') }} {{ at|date }} | {{ at|date('short') }} | {{ at|date('full') }} | {{ at|date('iso') }} | {{ at|datetime }} | {{ at|datetime('iso') }} | {{ date_range(at, later) }}",
        json!({"price": {"minor": 6800, "currency": "EUR"}, "at": 1_795_474_800_000_i64, "later": 1_795_561_200_000_i64}),
    );
    assert_eq!(
        page,
        "€68 €68.00 Tue 24 November | Tue 24 Nov | Tuesday 24 November 2026 | 2026-11-24 | Tue 24 November, 00:00 | 2026-11-24T00:00:00+01:00 | Tue 24 to Wed 25 November"
    );
}

#[test]
fn json_in_a_page_cannot_end_its_script() {
    let page = rendered(
        "{{ x|json_island }}",
        json!({"x": {"a": "</script><!-- & \u{2028}"}}),
    );
    assert_eq!(
        page,
        "{\"a\":\"\\u003c/script\\u003e\\u003c!-- \\u0026 \\u2028\"}"
    );
}

#[test]
fn plain_text_becomes_paragraphs() {
    let page = rendered(
        "{{ x|paragraphs }}",
        json!({"x": "One\r\ntwo <b>\n\n \nThree\n"}),
    );
    assert_eq!(page, "<p>One<br>\ntwo &lt;b&gt;</p>\n<p>Three</p>");
    assert_eq!(rendered("{{ x|paragraphs }}", json!({"x": null})), "");
}

#[test]
fn an_absent_value_prints_nothing_and_is_false() {
    assert_eq!(
        rendered("[{{ x }}]{% if x %}yes{% endif %}", json!({"x": null})),
        "[]"
    );
}

#[test]
fn a_misspelt_name_fails_where_it_is_tested_and_leaves_a_gap_where_it_is_sold() {
    for template in [
        "{{ nmae }}",
        "{% if nmae %}{% endif %}",
        "{{ shop.nmae.x }}",
        "{{ t('greet', name=nmae) }}",
        "{{ t('gret', name='x') }}",
        "{{ t('greet') }}",
        "{{ asset('no.css') }}",
    ] {
        let context = json!({"name": "Tea", "shop": {}});
        assert!(
            rendered_with(true, template, context.clone()).is_err(),
            "{template}"
        );
        assert!(
            rendered_with(false, template, context).is_ok(),
            "{template}"
        );
    }
    assert_eq!(
        rendered_with(false, "{{ t('gret') }}", json!({})).unwrap(),
        "gret"
    );
}

#[test]
fn an_error_names_the_template_and_the_line() {
    let error = rendered_with(true, "a\nb\n{{ nmae }}", json!({})).unwrap_err();
    assert!(error.contains("pages/free.html:3"), "{error}");
}

#[test]
fn no_template_can_hang_the_shop() {
    let error = rendered_with(
        false,
        "{% for a in range(9999) %}{% for b in range(9999) %}{{ b }}{% endfor %}{% endfor %}",
        json!({}),
    )
    .unwrap_err();
    assert!(error.contains("fuel"), "{error}");
    assert!(rendered_with(false, "{% include 'pages/free.html' %}", json!({})).is_err());
}

#[test]
fn an_edit_shows_on_the_next_page() {
    let folder = theme(&[("pages/free.html", "before {{ asset('shop.css') }}")]);
    let templates = templates(&folder, true);
    let show = || {
        templates
            .render(&voice(), &json!({}), &Free(json!({})))
            .unwrap()
    };
    let before = show();
    assert!(before.starts_with("before /assets/shop."));
    fs::write(
        folder.path().join("pages/free.html"),
        "after it all {{ asset('shop.css') }}",
    )
    .unwrap();
    fs::write(folder.path().join("assets/a.css"), "a{color:green}").unwrap();
    let after = show();
    assert!(after.starts_with("after it all /assets/shop."));
    assert_ne!(
        before.rsplit(' ').next(),
        after.rsplit(' ').next(),
        "the changed style sheet has a new name"
    );
}

#[test]
fn mails_have_a_one_line_subject_an_escaped_body_and_a_plain_one() {
    let folder = theme(&[
        ("mail/letter.subject.txt", "Dear {{ name }},\nwelcome\n"),
        ("mail/letter.html", "<p>{{ name }}</p>"),
        ("mail/letter.txt", "{{ name }}"),
    ]);
    let mail = templates(&folder, true)
        .render_mail(&voice(), &json!({}), &Letter { name: "Ada & <Co>" })
        .unwrap();
    assert_eq!(mail.subject, "Dear Ada & <Co>, welcome");
    assert_eq!(mail.html, "<p>Ada &amp; &lt;Co&gt;</p>");
    assert_eq!(mail.text, "Ada & <Co>");
}

#[test]
fn every_sample_in_every_frame_is_tried() {
    let folder = theme(&[
        ("pages/free.html", "{{ name|upper }}{{ csrf }}"),
        ("mail/letter.subject.txt", "{{ name }}"),
        ("mail/letter.html", "{{ nmae }}"),
        ("mail/letter.txt", ""),
    ]);
    let frames = Frames::new()
        .with("shopper", &json!({"csrf": "x"}))
        .with("bare", &json!({}));
    let faults = templates(&folder, true)
        .check(
            &[Samples::of_page::<Free>(), Samples::of_mail::<Letter>()],
            &frames,
        )
        .unwrap();
    let places: Vec<&str> = faults.iter().map(|fault| fault.place.as_str()).collect();
    assert_eq!(
        places,
        [
            "pages/free.html (sample ordinary, frame bare, locale en)",
            "pages/free.html (sample nameless, frame bare, locale en)",
            "mail/letter.html (sample ordinary, frame shopper, locale en)",
            "mail/letter.html (sample ordinary, frame bare, locale en)",
        ]
    );
}

#[test]
fn an_unknown_time_zone_is_refused_with_an_example() {
    let error = Voice::new("en", "Europe/Amsterdm").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("use a name like Europe/Amsterdam")
    );
}
