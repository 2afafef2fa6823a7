//! `evenkeel schema`.

use crate::support::Checkout;

/// The same wherever it is asked, with or without environment files; and the
/// one that is committed.
#[test]
fn the_schema_is_the_committed_one() {
    let committed = include_str!("../../docs/environment.schema.json");
    for checkout in [Checkout::empty(), Checkout::shop("1.4.2")] {
        let ran = checkout.run("schema");
        assert_eq!((ran.code(), ran.stderr.as_str()), (Some(0), ""));
        assert!(ran.stdout == committed, "see tests/schema");
    }
}

#[test]
fn it_takes_no_arguments() {
    let ran = Checkout::empty().run("schema prod");
    assert_eq!(ran.code(), Some(64), "{ran}");
}
