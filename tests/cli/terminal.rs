//! A real terminal: questions and moving progress.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::{Arc, Mutex};

use insta::assert_snapshot;
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

use crate::support::{Checkout, poll, shop, steady};

const ROWS: NonZero<u16> = NonZero::new(50).unwrap();
const COLUMNS: NonZero<u16> = NonZero::new(80).unwrap();

/// The binary in a terminal, and what that terminal shows.
struct Terminal {
    /// Closes the terminal when dropped.
    _master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<Mutex<Screen>>,
    checkout: std::path::PathBuf,
}

struct Screen {
    now: vt100::Parser,
    /// Everything that was ever written, with its escape sequences.
    written: String,
    closed: bool,
}

impl Screen {
    /// What is to be seen, row by row.
    fn rows(&self) -> String {
        let mut text = String::new();
        for row in self.now.screen().rows(0, COLUMNS.get()) {
            text += row.trim_end();
            text.push('\n');
        }
        text.truncate(text.trim_end().len());
        text + "\n"
    }
}

impl Terminal {
    fn open(checkout: &Checkout, args: &str) -> Self {
        Self::open_with(checkout, args, &[])
    }

    fn open_with(checkout: &Checkout, args: &str, environment: &[(&str, &str)]) -> Self {
        let pair = native_pty_system()
            .openpty(PtySize {
                rows: ROWS.get(),
                cols: COLUMNS.get(),
                ..PtySize::default()
            })
            .expect("a terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_evenkeel"));
        command.args(args.split_whitespace());
        command.cwd(checkout.path());
        command.env_clear();
        command.env("TERM", "xterm-256color");
        for (name, value) in checkout.environment() {
            command.env(name, value);
        }
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("evenkeel starts");
        drop(pair.slave);
        let screen = Arc::new(Mutex::new(Screen {
            now: vt100::Parser::new(ROWS, COLUMNS, 0),
            written: String::new(),
            closed: false,
        }));
        let mut output = pair.master.try_clone_reader().expect("its output");
        let shown = screen.clone();
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut piece) {
                let mut screen = shown.lock().unwrap();
                screen.now.process(&piece[..length]);
                screen
                    .written
                    .push_str(&String::from_utf8_lossy(&piece[..length]));
            }
            shown.lock().unwrap().closed = true;
        });
        Self {
            keyboard: pair.master.take_writer().expect("its keyboard"),
            _master: pair.master,
            child,
            screen,
            checkout: checkout.path().to_owned(),
        }
    }

    fn wait_for(&self, text: &str) {
        poll(&format!("{text:?} on the screen"), || {
            let screen = self.screen.lock().unwrap();
            assert!(
                !screen.closed || screen.rows().contains(text),
                "ended without {text:?}:\n{}",
                screen.rows()
            );
            screen.rows().contains(text).then_some(())
        });
    }

    fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("a key");
        self.keyboard.flush().expect("a key");
    }

    /// The end: how, the last screen, and everything that was written.
    fn finish(mut self) -> (ExitStatus, String, String) {
        let status = poll("end of the run", || self.child.try_wait().expect("a child"));
        poll("end of the output", || {
            self.screen.lock().unwrap().closed.then_some(())
        });
        let screen = self.screen.lock().unwrap();
        let shown = steady(&screen.rows(), &self.checkout);
        assert!(!screen.written.contains("panicked at"), "{shown}");
        (status, shown, screen.written.clone())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
    }
}

#[test]
fn no_changes_nothing() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("plan prod --sandbox");
    let before = checkout.sandbox_state();
    let mut terminal = Terminal::open(&checkout, "apply prod --sandbox");
    terminal.wait_for("[y/N]");
    terminal.types("n\r");
    let (status, shown, _) = terminal.finish();
    assert_eq!(status.exit_code(), 1);
    assert_snapshot!(shown, @"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 68 → new
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735

    1 to change.

    Deploy web in prod? [y/N] n
    nothing was changed
    ");
    assert!(checkout.sandbox_state() == before);
}

#[test]
fn anything_but_yes_is_no() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("plan prod --sandbox");
    let before = checkout.sandbox_state();
    // Return, nonsense, and the end of input.
    for answer in ["\r", "yikes\r", "\u{4}"] {
        let mut terminal = Terminal::open(&checkout, "apply prod --sandbox");
        terminal.wait_for("[y/N]");
        terminal.types(answer);
        let (status, shown, _) = terminal.finish();
        assert_eq!(status.exit_code(), 1, "{answer:?}: {shown}");
        assert!(shown.contains("nothing was changed"), "{shown}");
    }
    assert!(checkout.sandbox_state() == before);
}

#[test]
fn yes_shows_moving_progress_and_ends_in_a_summary() {
    let checkout = Checkout::shop("1.2.0");
    let mut terminal = Terminal::open(&checkout, "apply prod --sandbox");
    terminal.wait_for("[y/N]");
    terminal.types("y\r");
    let (status, shown, written) = terminal.finish();
    assert_eq!(status.exit_code(), 0, "{shown}");
    assert_snapshot!(shown, @"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 68 → new
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735

    1 to change.

    Deploy web in prod? [y/N] y

    ✓ web   revision 69 runs, 3 of 3 tasks   [time]

    1 deployed.
    ");
    assert!(written.contains("0/3 new"), "{written}");
}

#[test]
fn a_progress_line_says_what_is_new_what_is_old_and_how_long() {
    let checkout = Checkout::shop("1.2.0-slow");
    let terminal = Terminal::open(&checkout, "apply prod --sandbox --yes");
    terminal.wait_for("0/3 new, 3 starting, 3 old");
    let line = {
        let screen = terminal.screen.lock().unwrap();
        screen
            .rows()
            .lines()
            .find(|line| line.contains("0/3 new"))
            .unwrap()
            .to_owned()
    };
    assert!(line.contains("web"), "{line}");
    assert!(line.trim_end().ends_with('s'), "{line}");
    assert!(line.chars().count() <= 80, "{line}");
}

#[test]
fn control_c_during_the_wait_leaves_a_tidy_screen() {
    let checkout = Checkout::shop("1.2.0-slow");
    let mut terminal = Terminal::open(&checkout, "apply prod --sandbox --yes");
    terminal.wait_for("0/3 new, 3 starting, 3 old");
    terminal.types("\u{3}");
    let (status, shown, _) = terminal.finish();
    assert_eq!(status.exit_code(), 130, "{shown}");
    let says = "… web   interrupted; the rollout of revision 69 goes on\n";
    assert!(shown.contains(says), "{shown}");
    // What moved is gone: nobody takes a frozen line for a running rollout.
    assert!(!shown.contains("starting"), "{shown}");
}

#[test]
fn control_c_at_the_question_changes_nothing() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("plan prod --sandbox");
    let before = checkout.sandbox_state();
    let mut terminal = Terminal::open(&checkout, "apply prod --sandbox");
    terminal.wait_for("[y/N]");
    terminal.types("\u{3}");
    let (status, shown, _) = terminal.finish();
    assert!(!status.success(), "{shown}");
    assert!(checkout.sandbox_state() == before);
}

#[test]
fn nothing_to_do_is_no_question() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("apply prod --sandbox");
    let (status, shown, _) = Terminal::open(&checkout, "apply prod --sandbox").finish();
    assert_eq!(status.exit_code(), 0);
    assert!(!shown.contains("[y/N]"), "{shown}");
}

#[test]
fn several_services_are_asked_about_by_their_number() {
    let second = shop("1.2.0")
        .lines()
        .skip(4)
        .collect::<Vec<_>>()
        .join("\n")
        .replace("services.web", "services.worker")
        .replace("shop-web", "shop-worker");
    let checkout = Checkout::empty().file(
        "environments/prod.toml",
        format!("{}\n{second}\n", shop("1.2.0")),
    );
    let mut terminal = Terminal::open(&checkout, "apply prod --sandbox");
    terminal.wait_for("[y/N]");
    terminal.types("yes\r");
    let (status, shown, _) = terminal.finish();
    assert_eq!(status.exit_code(), 0, "{shown}");
    assert_snapshot!(shown, @"
    prod   shop · us-west-1 · 123456789012

    ~ web      shop-web      revision 68 → new
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735
    ~ worker   shop-worker   revision 12 → new
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735

    2 to change.

    Deploy 2 services in prod? [y/N] yes

    ✓ web      revision 69 runs, 3 of 3 tasks   [time]
    ✓ worker   revision 13 runs, 2 of 2 tasks   [time]

    2 deployed.
    ");
}

#[test]
fn colours_are_on_unless_they_are_unwanted() {
    let checkout = Checkout::shop("1.2.0");
    let (_, _, written) = Terminal::open(&checkout, "plan prod --sandbox").finish();
    assert!(written.contains("\u{1b}["), "{written:?}");
    let (_, _, written) = Terminal::open(&checkout, "plan prod --sandbox --color never").finish();
    assert!(!written.contains("\u{1b}["), "{written:?}");
    let no_color = [("NO_COLOR", "1")];
    let (_, _, written) = Terminal::open_with(&checkout, "plan prod --sandbox", &no_color).finish();
    assert!(!written.contains("\u{1b}["), "{written:?}");
}

#[test]
fn yes_asks_nothing() {
    let checkout = Checkout::shop("1.2.0");
    let (status, shown, _) = Terminal::open(&checkout, "apply prod --sandbox --yes").finish();
    assert_eq!(status.exit_code(), 0, "{shown}");
    assert!(!shown.contains("[y/N]"), "{shown}");
}
