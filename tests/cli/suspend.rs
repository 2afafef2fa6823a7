//! `suspend`: nothing is written, and plans go on.

use insta::assert_snapshot;

use crate::support::{Checkout, image, shop};

fn suspended(tag: &str, until: &str) -> Checkout {
    let keys = format!("suspend = {{ reason = \"the sale is on\"{until} }}\n");
    Checkout::empty().file("environments/prod.toml", keys + &shop(tag))
}

#[test]
fn a_plan_shows_what_is_held_and_why() {
    let checkout = suspended("1.2.0", ", until = 2099-12-01");
    assert_snapshot!(checkout.run("plan prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    ‖ web   shop-web   suspended (revision 68 → new)
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735
        suspended until [moment] UTC: the sale is on
        at    environments/prod.toml:1:1
        hint  take `suspend` out of the file to let it go on

    1 suspended.
    [exit 0]
    ");
    let ran = checkout.run("plan prod --sandbox --detailed-exitcode --format json");
    assert_eq!(ran.code(), Some(2));
    let service = &ran.json()["environments"][0]["services"][0];
    assert_eq!(service["verdict"], "blocked");
    assert_eq!(service["reasons"][0]["reason"], "suspended");
    assert_eq!(service["until"], "2099-12-01T00:00:00Z");
    assert_eq!(service["changes"][0]["field"], "image");
}

#[test]
fn apply_changes_nothing() {
    let checkout = suspended("1.2.0", "");
    checkout.run("plan prod --sandbox");
    let before = checkout.sandbox_state();
    assert_snapshot!(checkout.run("apply prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    ‖ web   shop-web   suspended (revision 68 → new)
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735
        suspended: the sale is on
        at    environments/prod.toml:1:1
        hint  take `suspend` out of the file to let it go on

    1 suspended.
    ------- stderr -------
    error: nothing was changed, because of web
    [exit 1]
    ");
    assert!(checkout.sandbox_state() == before);
}

#[test]
fn a_service_can_be_suspended_alone() {
    let worker = format!(
        "\n[services.worker]\nname = \"shop-worker\"\nimage = \"{}\"\nsuspend.reason = \"drain\"\n",
        image("1.2.0")
    );
    let checkout = Checkout::empty().file("environments/prod.toml", shop("1.2.0") + &worker);
    let ran = checkout.run("apply prod --sandbox --service web");
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert_snapshot!(checkout.run("plan prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    = web      shop-web      revision 69
    ‖ worker   shop-worker   suspended (revision 12 → new)
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735
        suspended: drain
        at    environments/prod.toml:12:1
        hint  take `suspend` out of the file to let it go on

    1 suspended, 1 in sync.
    [exit 0]
    ");
}

#[test]
fn one_that_is_over_is_a_note() {
    let checkout = suspended("1.2.0", ", until = 2020-01-01");
    let ran = checkout.run("apply prod --sandbox");
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert_snapshot!(checkout.run("plan prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    = web   shop-web   revision 69
        note  the suspension at environments/prod.toml:1:1 is over since [moment] UTC: take it out

    Nothing differs: 1 service in sync.
    [exit 0]
    ");
    checkout.write(
        "environments/prod.toml",
        format!("suspend.reason = \"the sale is on\"\n{}", shop("1.2.0")),
    );
    assert_snapshot!(checkout.run("plan prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    = web   shop-web   revision 69
        note  suspended, so nothing would be written: the sale is on

    Nothing differs: 1 service in sync.
    [exit 0]
    ");
}
