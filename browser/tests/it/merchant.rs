//! A merchant opens a shop: from an empty folder to two parcels and money given back.

use crate::harness::{Browser, Script, Shop};
use crate::keyboard::Keyboard;
use crate::merchant_office::{Office, Ware};

const PITCHER: Ware<'_> = Ware {
    title: "Reed pitcher",
    option: "Size",
    values: ["Small", "Large"],
    prices: ["68.00", "82.00"],
    stock: ["5", "4"],
    alt: "A rust-coloured pitcher on a sill",
};

/// A guest buys pieces of both variants: two small ones and a large one.
async fn buy(shop: &Shop, browser: &Browser) {
    for (value, words, pieces) in [("small", "Small", "2"), ("large", "Large", "1")] {
        browser.visit(&shop.url("/products/reed-pitcher")).await;
        browser.press(&format!("#option-size-{value}")).await;
        browser.wait_for_words("#option-size", words).await;
        browser.fill("#quantity", pieces).await;
        browser.press("#buy button[type=submit]").await;
        browser.find("#drawer-body #bag .line").await;
    }
    browser.visit(&shop.url("/checkout")).await;
    browser.fill_in_address("Noor de Wit").await;
    browser.press(".btn[name=step][value=address]").await;
    browser.press("input[name=delivery_method]").await;
    browser.press("button[name=step][value=delivery]").await;
    browser
        .press("input[name=payment_method][value=test]")
        .await;
    browser
        .press("form[action='/checkout/complete'] button[type=submit]")
        .await;
    browser.arrive("/test-gateway/").await;
    browser.press("button[value=approve]").await;
    browser.arrive("/orders/").await;
}

impl Office<'_> {
    /// Sends some pieces of an order: by the words of their line, how many.
    async fn ship(&self, pieces: &[(&str, &str)], (carrier, tracking): (&str, &str)) {
        if !self.browser.has("#ship details[open]").await {
            self.browser.press("#ship summary").await;
        }
        self.check("an order about to be sent").await;
        for (line, count) in pieces {
            let field =
                format!("//*[@id = //section[@id='ship']//label[contains(., '{line}')]/@for]");
            self.fill_at(&field, count).await;
        }
        self.browser.fill("#ship-carrier", carrier).await;
        self.browser.fill("#ship-number", tracking).await;
        self.press_at("//form[contains(@action, '/ship')]//button[@type='submit']")
            .await;
        self.browser.wait_for_words("main", tracking).await;
        self.check("an order with a parcel under way").await;
    }

    /// Gives the money for a line's piece back and puts it on the shelf again.
    async fn refund(&self, line: &str, amount: &str) {
        self.press_at("//a[contains(@href, '/refund')]").await;
        self.browser.find("#refund-reason").await;
        self.check("what is given back").await;
        let part = format!("//fieldset[legend[contains(., '{line}')]]");
        self.fill_at(&format!("{part}//input[@type='number']"), "1")
            .await;
        let back = format!("{part}//input[@type='checkbox']");
        if !self
            .at(&back)
            .await
            .is_selected()
            .await
            .expect("it is a box")
        {
            self.press_at(&back).await;
        }
        self.browser.fill("#refund-reason", "Too large").await;
        self.browser.press("main form .btn--action").await;
        self.browser
            .wait_for_words("main .btn--danger", amount)
            .await;
        self.check("a look at what is given back").await;
        self.browser.press("main form .btn--danger").await;
        self.browser.wait_for_words("#payment", "Too large").await;
        self.check("an order with money given back").await;
    }

    /// Today's sales, as the first page says them.
    async fn sales_today(&self) -> i64 {
        self.visit("/admin").await;
        let words = self
            .browser
            .text(".stats .stat:first-child .stat__value")
            .await;
        self.check("the first page").await;
        cents(&words)
    }
}

/// What a merchant sells, sends and gives back, with a look at stock and figures after each step.
async fn sell(office: &Office<'_>) {
    let (shop, browser) = (office.shop, office.browser);
    let before = office.sales_today().await;
    buy(shop, browser).await;
    let promised = [("Small", ["5", "2", "3"]), ("Large", ["4", "1", "3"])];
    office.assert_stock(&promised).await;

    office.visit("/admin/orders").await;
    office.check("the orders").await;
    office
        .press_at(
            "//tbody/tr[contains(., 'Noor de Wit')][1]//a[starts-with(@href, '/admin/orders/')]",
        )
        .await;
    browser.wait_for_words("main", "Noor de Wit").await;
    office.check("an order").await;
    let order = browser.path().await;
    let total = cents(&browser.text("#payment .sums__total dd").await);
    assert!(total >= 21_800, "two small ones and a large one: {total}");

    let first = [("Small", "1"), ("Large", "0")];
    office.ship(&first, ("PostNL", "3SWREE01")).await;
    let second = [("Small", "1"), ("Large", "1")];
    office.ship(&second, ("PostNL", "3SWREE02")).await;
    assert!(!browser.has("#ship").await, "nothing is left to send");
    let sent = [("Small", ["3", "0", "3"]), ("Large", ["3", "0", "3"])];
    office.assert_stock(&sent).await;
    assert_eq!(office.sales_today().await, before + total);

    office.visit(&order).await;
    office.refund("Large", "€82.00").await;
    let back = [("Small", ["3", "0", "3"]), ("Large", ["4", "0", "4"])];
    office.assert_stock(&back).await;
    assert_eq!(office.sales_today().await, before + total - 8_200);
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

/// An amount as it is written, in its smallest unit.
fn cents(text: &str) -> i64 {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits
        .parse()
        .unwrap_or_else(|_| panic!("{text:?} is no amount"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_without_javascript_adds_a_product_with_variants_and_a_picture() {
    let Some(shop) = Shop::open_empty() else {
        return;
    };
    let browser = Browser::open(Script::Off, (1280, 900)).await;
    let office = Office {
        shop: &shop,
        browser: &browser,
        script: Script::Off,
    };
    office.claim("Wrack & Reed").await;
    office.add_product(&PITCHER).await;
    let begun = [("Small", ["5", "0", "5"]), ("Large", ["4", "0", "4"])];
    office.assert_stock(&begun).await;
    office.visit("/products/reed-pitcher").await;
    assert!(
        browser
            .has("main img[alt='A rust-coloured pitcher on a sill']")
            .await
    );
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_packed_and_sent_with_nothing_but_a_keyboard() {
    let Some(shop) = Shop::open() else { return };
    let browser = Browser::open(Script::On, (1280, 900)).await;
    let office = Office {
        shop: &shop,
        browser: &browser,
        script: Script::On,
    };
    let keyboard = Keyboard(&browser);
    office.enter_demo().await;
    browser
        .go_to_payment(&shop, "dye-works-dripper", "Ida Vos")
        .await;
    browser
        .press("input[name=payment_method][value=test]")
        .await;
    browser
        .press("form[action='/checkout/complete'] button[type=submit]")
        .await;
    browser.arrive("/test-gateway/").await;
    browser.press("button[value=approve]").await;
    browser.arrive("/orders/").await;

    office.visit("/admin/orders?q=Ida+Vos").await;
    keyboard.tab_to("a.skip").await;
    keyboard.enter().await;
    keyboard.focus_is_on("#main").await;
    keyboard.tab_to("tbody a[href^='/admin/orders/']").await;
    keyboard.enter().await;
    browser.arrive("/admin/orders/").await;
    keyboard.tab_to("form[action$='/packed'] button").await;
    keyboard.enter().await;
    browser.find("a[href='#ship']").await;
    keyboard.tab_to("a[href='#ship']").await;
    keyboard.enter().await;
    keyboard.tab_to("#ship summary, #ship-carrier").await;
    if browser.has("#ship summary:focus").await {
        if !browser.has("#ship details[open]").await {
            keyboard.enter().await;
        }
        keyboard.tab_to("#ship-carrier").await;
    }
    keyboard.write("PostNL").await;
    keyboard.tab_to("#ship-number").await;
    keyboard.write("3SKEYS").await;
    keyboard.enter().await;
    browser.wait_for_words("main", "3SKEYS").await;
    keyboard.tab_to("#note-text").await;
    keyboard.write("Wrapped as a gift").await;
    keyboard.tab_to("form[action$='/notes'] button").await;
    keyboard.space().await;
    browser
        .wait_for_words(".timeline", "Wrapped as a gift")
        .await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
}

/// Everything from the empty folder to the money given back, in a window of this size.
async fn open_a_shop_and_sell(size: (u32, u32)) {
    let Some(shop) = Shop::open_empty() else {
        return;
    };
    let browser = Browser::open(Script::On, size).await;
    let office = Office {
        shop: &shop,
        browser: &browser,
        script: Script::On,
    };
    office.claim("Wrack & Reed").await;
    office.deliver_at("4.90").await;
    office.add_product(&PITCHER).await;
    let begun = [("Small", ["5", "0", "5"]), ("Large", ["4", "0", "4"])];
    office.assert_stock(&begun).await;
    sell(&office).await;
    browser.close().await;
    let verdict = shop.run(&["verify"]);
    assert!(verdict.contains("The books balance"), "{verdict}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_opens_a_shop_sells_ships_in_two_parts_and_refunds_a_line() {
    open_a_shop_and_sell((1280, 900)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_does_all_of_it_on_a_phone() {
    open_a_shop_and_sell((390, 844)).await;
}
