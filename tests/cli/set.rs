//! `evenkeel set`.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use insta::assert_snapshot;
use serde_json::json;

use crate::aws::{Aws, at};
use crate::support::{Checkout, image, shop};

/// Two services, with what an editor or a formatter would tidy up.
const UNTIDY: &str = "\u{feff}# The shop.\r\n\
account='123456789012'\r\n\
region  =  \"us-west-1\" # here\r\n\
cluster = \"shop\"   \r\n\
\r\n\
[services.web]\r\n\
name = \"shop-web\"\r\n\
[services.web.containers]\r\n\
app = { image = '123456789012.dkr.ecr.us-west-1.amazonaws.com/shop/web:1.2.0' } # 1.2.0!\r\n\
proxy.image = \"123456789012.dkr.ecr.us-west-1.amazonaws.com/shop/proxy:2.0.0\"\r\n\
\t[ services.mail ]\r\n\
\timage\t=\t\"\"\"public.ecr.aws/docker/library/nginx:1.27\"\"\"\t\r\n\
name = \"shop-mailer\"";

fn file(checkout: &Checkout) -> String {
    fs::read_to_string(checkout.path().join("environments/prod.toml")).unwrap()
}

#[test]
fn writes_the_image_and_nothing_else() {
    let checkout = Checkout::shop("1.2.0");
    assert_snapshot!(checkout.run("set prod web=:1.3.0"), @"
    ~ web   environments/prod.toml:7:9
          shop/web
          1.2.0
        → 1.3.0
    ------- stderr -------
    commit it, and `evenkeel apply prod` deploys it
    [exit 0]
    ");
    assert_eq!(file(&checkout), shop("1.3.0"));
    let left: Vec<_> = fs::read_dir(checkout.path().join("environments"))
        .unwrap()
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn several_at_once_and_every_other_byte_stays() {
    let checkout = Checkout::empty().file("environments/prod.toml", UNTIDY);
    assert_snapshot!(
        checkout.run("set prod web/app=:1.3.0 mail=ghcr.io/shop/mailer:7 web/proxy=:2.0.0"),
        @"
    ~ web/app   environments/prod.toml:9:17
          shop/web
          1.2.0
        → 1.3.0
    ~ mail   environments/prod.toml:12:10
          public.ecr.aws/docker/library/nginx
          1.27
        → ghcr.io/shop/mailer
          7
    = web/proxy   environments/prod.toml:10:15
          shop/proxy
          2.0.0  (as it was)
    ------- stderr -------
    commit it, and `evenkeel apply prod` deploys it
    [exit 0]
    "
    );
    assert_eq!(
        file(&checkout),
        UNTIDY.replace("shop/web:1.2.0", "shop/web:1.3.0").replace(
            "public.ecr.aws/docker/library/nginx:1.27",
            "ghcr.io/shop/mailer:7"
        )
    );
}

#[test]
fn all_or_none() {
    let checkout = Checkout::empty().file("environments/prod.toml", UNTIDY);
    assert_snapshot!(checkout.run("set prod web/app=:1.3.0 web=:2 mial=:3 mail=Mailer:7"), @r#"
    ------- stderr -------
    error: service `web` has several containers, and none is named
     --> environments/prod.toml:6:11
      |
    6 | [services.web]
      |           ^^^
      |
      = hint: write web/app=… or web/proxy=…

    error: environments/prod.toml declares no service "mial"
     hint: did you mean `mail`? There are: web, mail

    error: mail: invalid `image`: a repository's name is lower case; this has 'M'
     --> environments/prod.toml:12:10
    [exit 1]
    "#);
    assert_eq!(file(&checkout), UNTIDY);
    assert_snapshot!(checkout.run("set prod mail=:1 mail=:2"), @"
    ------- stderr -------
    error: the image of mail is set twice
     hint: keep one of them
    [exit 1]
    ");
    assert_eq!(file(&checkout), UNTIDY);
}

#[test]
fn what_is_there_already_is_not_written() {
    let checkout = Checkout::shop("1.2.0");
    let path = checkout.path().join("environments/prod.toml");
    let before = fs::metadata(&path).unwrap();
    assert_snapshot!(checkout.run("set prod web=:1.2.0"), @"
    = web   environments/prod.toml:7:9
          shop/web
          1.2.0  (as it was)
    [exit 0]
    ");
    let after = fs::metadata(&path).unwrap();
    assert_eq!(after.modified().unwrap(), before.modified().unwrap());
}

#[test]
fn resolve_writes_the_digest_that_the_tag_has() {
    let checkout = Checkout::shop("1.2.0");
    assert_snapshot!(checkout.run("set prod web=:1.3.0 --resolve --sandbox"), @"
    ~ web   environments/prod.toml:7:9
          shop/web
          1.2.0
        → 1.3.0  sha256:a772a9f4
    ------- stderr -------
    commit it, and `evenkeel apply prod` deploys it
    [exit 0]
    ");
    let written = file(&checkout);
    let pinned = format!("{}@sha256:", image("1.3.0"));
    assert!(written.contains(&pinned), "{written}");
    // What was written is what would be registered.
    let ran = checkout.run("plan prod --sandbox --format json");
    let to = &ran.json()["environments"][0]["services"][0]["changes"][0]["to"];
    assert!(written.contains(to.as_str().unwrap()), "{ran}");
    // Nothing more to resolve.
    assert_snapshot!(checkout.run("set prod web=:1.3.0 --resolve --sandbox"), @"
    = web   environments/prod.toml:7:9
          shop/web
          1.3.0  sha256:a772a9f4  (as it was)
    [exit 0]
    ");
}

#[test]
fn resolve_pins_what_is_written_there() {
    let checkout = Checkout::shop("1.2.0");
    let ran = checkout
        .evenkeel("set prod --resolve --sandbox")
        .arg(format!("web={}", image("1.2.0")))
        .run();
    assert_snapshot!(ran, @"
    ~ web   environments/prod.toml:7:9
          shop/web
          1.2.0
        → 1.2.0  sha256:358d4735
    ------- stderr -------
    commit it, and `evenkeel apply prod` deploys it
    [exit 0]
    ");
}

#[test]
fn a_tag_that_is_not_there_is_told_those_near_it() {
    let checkout = Checkout::shop("1.2.0");
    assert_snapshot!(checkout.run("set prod web=:1.2.00 --resolve --sandbox"), @"
    ------- stderr -------
    error: web: shop/web (ECR 123456789012, us-west-1) has no tag 1.2.00
     --> environments/prod.toml:7:9
     hint: the nearest tags there are: 1.2.0, 1.2.1 and 1.3.0
    [exit 1]
    ");
    assert_eq!(file(&checkout), shop("1.2.0"));
    // Without --resolve nobody is asked.
    assert_eq!(checkout.run("set prod web=:1.2.00").code(), Some(0));
}

#[test]
fn only_ecr_is_asked() {
    let checkout = Checkout::empty().file("environments/prod.toml", UNTIDY);
    assert_snapshot!(checkout.run("set prod mail=:1.28 --resolve --sandbox"), @"
    ------- stderr -------
    error: mail: public.ecr.aws/docker/library/nginx:1.28 is in no private ECR
           registry
     --> environments/prod.toml:12:10
     hint: --resolve asks no other registry; write the digest, or leave --resolve
           out
    [exit 1]
    ");
    assert_eq!(file(&checkout), UNTIDY);
}

#[test]
fn a_registry_that_refuses_leaves_the_file_as_it_is() {
    let checkout = Checkout::shop("1.2.0");
    let aws = Aws::refusing(400, "AccessDeniedException", "no");
    assert_snapshot!(at(&checkout, &aws.url, "set prod web=:1.3.0 --resolve").run(), @"
    ------- stderr -------
    error: web: image 123456789012.dkr.ecr.us-west-1.amazonaws.com/shop/web:1.3.0
           could not be read: ecr:BatchGetImage is not allowed: no
     --> environments/prod.toml:7:9
     hint: allow ecr:BatchGetImage for this role or user
    [exit 1]
    ");
    assert_eq!(file(&checkout), shop("1.2.0"));
}

#[test]
fn wrong_words_say_what_is_right() {
    let checkout = Checkout::shop("1.2.0");
    assert_snapshot!(checkout.run("set prdo web=:1"), @"
    ------- stderr -------
    error: there is no environment `prdo`: environments/prdo.toml does not exist
     hint: did you mean `prod`? There are: prod
    [exit 1]
    ");
    assert_snapshot!(checkout.run("set prod wbe=:1"), @r#"
    ------- stderr -------
    error: environments/prod.toml declares no service "wbe"
     hint: did you mean `web`? There are: web
    [exit 1]
    "#);
    assert_snapshot!(checkout.run("set prod web/app=:1"), @r#"
    ------- stderr -------
    error: service `web` names no container: this image is for its only one
     --> environments/prod.toml:7:1
      |
    7 | image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/shop/web:1.2.0"
      | ^^^^^
      |
      = hint: leave `/app` out, or write the image under
              [services.web.containers.app]
    [exit 1]
    "#);
    assert_snapshot!(checkout.run("set prod web=:1!"), @"
    ------- stderr -------
    error: web: invalid `image`: a tag has letters, digits, underscores, periods and
           hyphens, not '!'
     --> environments/prod.toml:7:9
    [exit 1]
    ");
    assert_snapshot!(checkout.run("set prod web"), @"
    ------- stderr -------
    error: invalid value 'web' for '<SERVICE[/CONTAINER]=IMAGE>...': it has no =, as in web=:1.4.2

    For more information, try '--help'.
    [exit 64]
    ");
    assert_snapshot!(checkout.run("set prod =:1"), @"
    ------- stderr -------
    error: invalid value '=:1' for '<SERVICE[/CONTAINER]=IMAGE>...': a name is missing before the =

    For more information, try '--help'.
    [exit 64]
    ");
    assert_snapshot!(checkout.run("set prod"), @"
    ------- stderr -------
    error: the following required arguments were not provided:
      <SERVICE[/CONTAINER]=IMAGE>...

    Usage: evenkeel set <ENV> <SERVICE[/CONTAINER]=IMAGE>...

    For more information, try '--help'.
    [exit 64]
    ");
    assert_eq!(file(&checkout), shop("1.2.0"));
}

#[test]
fn a_file_with_mistakes_is_not_edited() {
    let broken = shop("1.2.0").replace("region", "regoin");
    let checkout = Checkout::empty().file("environments/prod.toml", &broken);
    let ran = checkout.run("set prod web=:1.3.0");
    assert_eq!(ran.code(), Some(1), "{ran}");
    assert!(ran.stderr.contains("did you mean `region`?"), "{ran}");
    assert_eq!(file(&checkout), broken);
}

#[test]
fn links_and_permissions_stay() {
    let checkout = Checkout::empty().file("shared/prod.toml", shop("1.2.0"));
    let path = checkout.path().join("shared/prod.toml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    fs::create_dir(checkout.path().join("environments")).unwrap();
    let link = checkout.path().join("environments/prod.toml");
    symlink("../shared/prod.toml", &link).unwrap();
    assert_eq!(checkout.run("set prod web=:1.3.0").code(), Some(0));
    assert!(link.is_symlink());
    assert_eq!(fs::read_to_string(&path).unwrap(), shop("1.3.0"));
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o640
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
    assert_snapshot!(checkout.run("set prod web=:1.4.0"), @"
    ------- stderr -------
    error: environments/prod.toml could not be written: permission denied
    [exit 1]
    ");
}

#[test]
fn as_json_is_one_line() {
    let checkout = Checkout::shop("1.2.0");
    let ran = checkout.run("set prod web=:1.3.0 --format json");
    assert_eq!(
        ran.json(),
        json!({
            "format_version": 1,
            "environment": "prod",
            "event": "edited",
            "file": "environments/prod.toml",
            "back_to": null,
            "written": true,
            "changes": [{
                "service": "web",
                "container": null,
                "field": "image",
                "from": image("1.2.0"),
                "to": image("1.3.0"),
                "changed": true,
                "declared_at": "environments/prod.toml:7:9",
            }],
        })
    );
    let ran = checkout.run("set prod web=:1.3.0 --format json");
    let again = ran.json();
    assert_eq!(
        (&again["written"], &again["changes"][0]["changed"]),
        (&json!(false), &json!(false))
    );
    let ran = checkout.run("set prod wbe=:1 --format json");
    assert_eq!(
        (ran.code(), &ran.json()["event"]),
        (Some(1), &json!("error"))
    );
}
