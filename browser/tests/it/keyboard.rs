//! A purchase without a pointer: Tab, Enter, Space, Escape and letters.

use fantoccini::key::Key;

use crate::harness::{Browser, Script, Shop};

/// Where the focus is, what is wrong with it, and whether it is on what was looked for.
const LOOK: &str = "const at = document.activeElement, wanted = arguments[0];
    if (!at || at === document.body || at === document.documentElement) return [null, 'the focus is on nothing', false];
    const box = at.getBoundingClientRect();
    const inView = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth && box.width > 0 && box.height > 0;
    const ringed = [[at, null], [at, '::after'], [at, '::before'], [at.closest('label, li, article, .card, .select, .stepper, .affix'), null]].some(([part, pseudo]) => {
        if (!part) return false;
        const style = getComputedStyle(part, pseudo);
        return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
    });
    const words = at.outerHTML.slice(0, 160);
    return [words, !inView ? 'it is out of view' : !ringed ? 'nothing shows it' : null, at.matches(wanted)];";

/// A person with a browser and no pointer.
pub(crate) struct Keyboard<'a>(pub(crate) &'a Browser);

impl Keyboard<'_> {
    /// Presses Tab until the focus is on what is wanted. On the way it is always on something, in view, and shown.
    pub(crate) async fn tab_to(&self, css: &str) {
        for _ in 0..150 {
            self.0.key(Key::Tab.into()).await;
            let seen = self
                .0
                .client
                .execute(LOOK, vec![css.into()])
                .await
                .expect("the page can be asked");
            assert!(
                seen[1].is_null(),
                "on {}, looking for {css}: {} at {}",
                self.0.path().await,
                seen[1],
                seen[0]
            );
            if seen[2] == true {
                return;
            }
        }
        panic!("{css} is not reached with Tab on {}", self.0.path().await);
    }

    pub(crate) async fn focus_is_on(&self, css: &str) {
        let at = self.0.client.execute("return [document.activeElement.matches(arguments[0]), document.activeElement.outerHTML.slice(0, 160)]", vec![css.into()]);
        let at = at.await.expect("the page can be asked");
        assert_eq!(at[0], true, "the focus is on {} and not on {css}", at[1]);
    }

    pub(crate) async fn enter(&self) {
        self.0.key(Key::Enter.into()).await;
    }

    pub(crate) async fn space(&self) {
        self.0.key(' ').await;
    }

    pub(crate) async fn write(&self, text: &str) {
        for letter in text.chars() {
            self.0.key(letter).await;
        }
    }

    /// From the checkout's first field to the order.
    async fn check_out(&self) {
        for (field, text) in [
            ("email", "noor@example.com"),
            ("name", "Ida Vos"),
            ("line1", "Prinsengracht 112"),
            ("postal_code", "1015ea"),
            ("city", "Amsterdam"),
        ] {
            self.tab_to(&format!("input[name={field}]")).await;
            self.write(text).await;
        }
        // Enter in the last field sends the form, as everywhere.
        self.enter().await;
        self.0.find("input[name=delivery_method]").await;
        self.tab_to("input[name=delivery_method]").await;
        self.space().await;
        self.tab_to("button[name=step][value=delivery]").await;
        self.enter().await;
        self.0.find("input[name=payment_method]").await;
        self.tab_to("input[name=payment_method][value=test]").await;
        self.space().await;
        self.tab_to("form[action='/checkout/complete'] button[type=submit]")
            .await;
        self.space().await;
        self.0.arrive("/test-gateway/").await;
        self.tab_to("button[value=approve]").await;
        self.enter().await;
        self.0.arrive("/orders/").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_needs_nothing_but_a_keyboard_and_the_focus_is_never_lost() {
    let Some(shop) = Shop::open() else { return };
    let browser = Browser::open(Script::On, (1280, 900)).await;
    let keyboard = Keyboard(&browser);
    browser.visit(&shop.url("/")).await;
    keyboard.tab_to("a.skip").await;
    keyboard.enter().await;
    keyboard.focus_is_on("#main").await;
    keyboard.tab_to("main a[href='/c/ceramics']").await;
    keyboard.enter().await;
    browser.arrive("/c/ceramics").await;
    keyboard.tab_to("a[href^='/products/tarn-vase']").await;
    keyboard.enter().await;
    browser.arrive("/products/tarn-vase").await;

    keyboard.tab_to("#option-glaze-rust").await;
    keyboard.enter().await;
    browser.wait_for_words("#option-glaze", "Rust").await;
    keyboard.focus_is_on("#option-glaze-rust").await;
    keyboard.tab_to("#quantity-more").await;
    keyboard.space().await;
    keyboard.focus_is_on("#quantity-more").await;
    assert_eq!(
        browser
            .ask("return document.querySelector('#quantity').value")
            .await,
        "2"
    );
    keyboard.tab_to("#buy button[type=submit]").await;
    keyboard.enter().await;
    browser.find("dialog[open] #bag .line").await;
    keyboard.focus_is_on("#bag-drawer-title").await;
    browser.key(Key::Escape.into()).await;
    keyboard.focus_is_on("#buy button[type=submit]").await;
    keyboard.enter().await;
    browser.find("dialog[open] #bag .line").await;
    keyboard.tab_to("#drawer-body a[href='/checkout']").await;
    keyboard.enter().await;
    browser.arrive("/checkout").await;

    keyboard.check_out().await;
    browser.wait_for_words("main", "Ida").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
    let orders = shop.run(&["order", "list"]);
    assert_eq!(orders.matches("Ida Vos").count(), 1, "{orders}");
}
