//! What a shell is given: completions and man pages.

use std::process::Command;

use crate::support::{Checkout, Ran, shop};

fn two_environments() -> Checkout {
    Checkout::shop("1.4.2")
        .file("environments/staging.toml", shop("1.5.0"))
        .file("environments/.staging.toml.swp", "")
        .file("environments/notes.txt", "")
}

/// What bash's script asks when Tab is pressed behind these words.
fn offered(checkout: &Checkout, words: &[&str]) -> Vec<String> {
    let ran = words
        .iter()
        .fold(checkout.evenkeel("-- evenkeel"), |asking, word| {
            asking.arg(word)
        })
        .env("EVENKEEL_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
        .run();
    assert_eq!((ran.code(), ran.stderr.as_str()), (Some(0), ""), "{ran}");
    ran.stdout.lines().map(str::to_owned).collect()
}

fn names(offered: &[String]) -> Vec<&str> {
    let is_option = |name: &&str| name.starts_with('-');
    let names = offered.iter().map(String::as_str);
    names.filter(|name| !is_option(name)).collect()
}

#[test]
fn completions_offer_commands_options_and_values() {
    let checkout = Checkout::empty();
    let all = offered(&checkout, &[""]);
    for sub in evenkeel::cli::command().get_subcommands() {
        assert!(all.contains(&sub.get_name().to_owned()), "{all:?}");
    }
    assert_eq!(offered(&checkout, &["app"]), ["apply"]);
    assert_eq!(offered(&checkout, &["apply", "--ret"]), ["--retry"]);
    assert_eq!(
        offered(&checkout, &["--color", ""]),
        ["auto", "always", "never"]
    );
}

#[test]
fn completions_offer_the_environments_that_there_are() {
    let checkout = two_environments();
    for command in ["plan", "apply", "wait"] {
        assert_eq!(
            names(&offered(&checkout, &[command, ""])),
            ["prod", "staging"]
        );
        assert_eq!(offered(&checkout, &[command, "st"]), ["staging"]);
        assert_eq!(offered(&checkout, &[command, "prod", "st"]), ["staging"]);
    }
    assert_eq!(
        offered(&checkout, &["plan", "environments/s"]),
        ["environments/staging.toml"]
    );
    // Behind what takes something else, and where there are none, none.
    assert!(!offered(&checkout, &["plan", "--service", ""]).contains(&"prod".to_owned()));
    assert!(names(&offered(&Checkout::empty(), &["plan", ""])).is_empty());
}

/// A word that looks like an option must not be taken for one of this call.
#[test]
fn what_is_completed_is_never_run() {
    let checkout = two_environments();
    offered(&checkout, &["apply", "prod", "--sandbox", "--yes", ""]);
    assert!(!checkout.path().join(".evenkeel").exists());
}

#[test]
fn bash_takes_the_script() {
    let checkout = two_environments();
    let script = checkout.run("completions bash").stdout;
    let bin = env!("CARGO_BIN_EXE_evenkeel");
    let folder = std::path::Path::new(bin).parent().expect("a folder");
    let typed = "COMP_WORDS=(evenkeel apply pr); COMP_CWORD=2; \
                 _clap_complete_evenkeel evenkeel pr apply; echo \"${COMPREPLY[@]}\"";
    let path = std::env::var("PATH").unwrap_or_default();
    let ran = Command::new("bash")
        .args(["--norc", "-c", &format!("{script}\n{typed}")])
        .env("PATH", format!("{}:{path}", folder.display()))
        .current_dir(checkout.path())
        .output()
        .expect("bash runs");
    assert_eq!(
        (
            String::from_utf8_lossy(&ran.stdout),
            String::from_utf8_lossy(&ran.stderr)
        ),
        ("prod\n".into(), "".into())
    );
}

#[test]
fn every_shell_has_a_script() {
    let checkout = Checkout::empty();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = checkout.run(&format!("completions {shell}"));
        assert_eq!((ran.code(), ran.stderr.as_str()), (Some(0), ""));
        assert!(ran.stdout.contains("EVENKEEL_COMPLETE"), "{ran}");
    }
    let ran = checkout.run("completions tcsh");
    assert_eq!(ran.code(), Some(64), "{ran}");
}

#[test]
fn a_man_page_says_what_help_says() {
    let checkout = Checkout::empty();
    let page = checkout.run("man").stdout;
    assert!(page.contains(".TH evenkeel 1"), "{page}");
    for says in [
        "evenkeel\\-apply(1)",
        "\\-\\-no\\-cache",
        ".SH NOTES\n.nf\nExit codes:\n  0  done",
    ] {
        assert!(page.contains(says), "{says}: {page}");
    }
}

#[test]
fn each_command_has_a_page() {
    let checkout = Checkout::empty();
    let quiet = |ran: Ran| {
        assert_eq!(
            (ran.code(), ran.stdout.as_str(), ran.stderr.as_str()),
            (Some(0), "", "")
        );
    };
    quiet(checkout.run("man --out share/man1"));
    quiet(checkout.run("man --out share/man1"));
    let mut pages: Vec<String> = std::fs::read_dir(checkout.path().join("share/man1"))
        .expect("the folder")
        .map(|entry| {
            entry
                .expect("a page")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    pages.sort();
    let mut wanted = vec![
        "evenkeel.1".to_owned(),
        "evenkeel-sandbox-push.1".to_owned(),
    ];
    wanted.push("evenkeel-sandbox-reset.1".to_owned());
    let subs = evenkeel::cli::command();
    wanted.extend(
        subs.get_subcommands()
            .map(|sub| format!("evenkeel-{}.1", sub.get_name())),
    );
    for page in wanted {
        assert!(pages.contains(&page), "{page}: {pages:?}");
    }
    let text = |page: &str| {
        std::fs::read_to_string(checkout.path().join("share/man1").join(page)).expect("a page")
    };
    assert!(text("evenkeel-apply.1").contains("\\-\\-force\\-new\\-deployment"));
    assert!(!pages.contains(&"evenkeel-help.1".to_owned()));
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let checkout = Checkout::empty().file("share", "");
    let ran = checkout.run("man --out share/man1");
    assert_eq!(ran.code(), Some(1), "{ran}");
    assert!(
        ran.stderr.contains("share/man1 could not be written to"),
        "{ran}"
    );
}
