//! Tasks that come before a rollout, as somebody sees them.

use insta::assert_snapshot;

use crate::support::{Checkout, shop};

fn migrating(tag: &str) -> Checkout {
    let file = format!(
        "{}\n[services.web.rollout]\nbefore = [{{ container = \"app\", command = [\"npm\", \"run\", \"migrate\"] }}]\n",
        shop(tag)
    );
    Checkout::empty().file("environments/prod.toml", file)
}

#[test]
fn the_work_is_shown_with_its_last_lines() {
    let checkout = migrating("1.2.0");
    assert_snapshot!(checkout.run("plan prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 68 → new
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735
        first   npm run migrate in app

    1 to change.
    plan [hash]
    [exit 0]
    ");
    assert_snapshot!(checkout.run("apply prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 68 → new
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735
        first   npm run migrate in app

    1 to change.

    ✓ web   revision 69 runs, 3 of 3 tasks   [time]

    1 deployed.
    ------- stderr -------
    web: registered revision 69 of shop-web
    web: before the rollout: running npm run migrate in app
    web: npm run migrate exited with code 0 ([time])
    web: | + npm run migrate
    web: | connected to postgres at 10.0.3.4:5432
    web: | applied 20251204093000_add_invoices
    web: | applied 20251218101500_orders_by_customer
    web: | 2 migrations applied; the schema is up to date
    web: rollout of revision 69 started
    [progress]
    [exit 0]
    ");
}

#[test]
fn a_failure_says_why_and_that_nothing_was_touched() {
    let checkout = migrating("1.2.0-badmigration");
    assert_snapshot!(checkout.run("apply prod --sandbox"), @r#"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 68 → new
        app   image  shop/web
              1.1.9               sha256:f26a773d
            → 1.2.0-badmigration  sha256:7fb52dd1
        first   npm run migrate in app

    1 to change.

    ✗ web   revision 69 was not deployed: npm run migrate in app exited with code 1
        cause   app exited with code 1 (1 task)
        log     error: column "customer_id" of relation "orders" contains null
                values
        log         at Parser.parseErrorMessage
                (/app/node_modules/pg-protocol/dist/parser.js:285:98)
        log         at async apply (/app/dist/migrate.js:31:7) {
        log       severity: 'ERROR',
        log       code: '23502',
        log       table: 'orders'
        next    the log says what it stopped of; the same image with the same
                environment should show it elsewhere, too
        next    the service was not touched; declare another image, or try this one
                again with `evenkeel apply prod --retry`

    1 not deployed.
    ------- stderr -------
    web: registered revision 69 of shop-web
    web: before the rollout: running npm run migrate in app
    [exit 3]
    "#);
    assert_snapshot!(checkout.run("apply prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    ✗ web   shop-web   revision 68 runs
        what is declared is revision 69, and its rollout failed
        reason  npm run migrate before the rollout: app exited with code 1
        hint    declare another image; or try this one again with apply --retry

    1 failed before.
    [exit 3]
    ");
}

#[test]
fn scripts_are_told_as_well() {
    let checkout = migrating("1.2.0-badmigration");
    let ran = checkout.run("apply prod --sandbox --format json");
    let lines = ran.json_lines();
    let names: Vec<&str> = lines
        .iter()
        .map(|line| line["event"].as_str().expect("an event"))
        .collect();
    assert_eq!(
        names,
        [
            "planned",
            "registered",
            "before-started",
            "ended",
            "finished"
        ]
    );
    let planned = &lines[0]["plan"]["services"][0]["before"];
    assert_eq!(planned[0]["command"][2], "migrate");
    let ended = &lines[3];
    assert_eq!(ended["outcome"], "before-failed");
    assert_eq!(ended["exit_code"], 1);
    assert_eq!(ended["run"]["container"], "app");
    assert_eq!(ended["diagnosis"]["causes"][0]["tasks"], 1);
    assert_eq!(lines[4]["exit_code"], 3);
}
