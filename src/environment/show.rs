//! Makes text from a file harmless and short before it is echoed.

/// The longest piece of a file that a message repeats; the line itself is
/// shown below the message anyway.
const LONGEST: usize = 40;

/// The same character, or a visible stand-in where it could move the cursor,
/// start an escape sequence or turn the direction of the text.
pub(super) fn harmless(c: char) -> char {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '␡',
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        _ => c,
    }
}

/// As `harmless`, but a tab is a tab: the renderer widens it.
pub(super) fn harmless_in_source(c: char) -> char {
    if c == '\t' { c } else { harmless(c) }
}

/// A piece of the file for a message: harmless, on one line, and cut short.
pub(super) fn brief(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST).map(harmless).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

/// A whole text on one line, made harmless and not cut: a file's name.
pub(super) fn whole(text: &str) -> String {
    text.chars().map(harmless).collect()
}

/// The text with its longer lines broken at spaces. A word is never broken:
/// a name is to be copied whole.
pub(super) fn fold(text: &str, width: usize) -> String {
    let mut folded = Vec::new();
    for line in text.lines() {
        let mut shown = String::new();
        for word in line.split(' ') {
            let length = shown.chars().count();
            if length > 0 && length + 1 + word.chars().count() > width {
                folded.push(std::mem::take(&mut shown));
            } else if !shown.is_empty() {
                shown.push(' ');
            }
            shown.push_str(word);
        }
        folded.push(shown);
    }
    folded.join("\n")
}

/// Without spaces at the ends of lines, and with a newline at the end. Also
/// without a lone `:::`, which stands for the file's name above a snippet that
/// has none: a line that is cut here has its place above it already.
pub(super) fn trimmed(text: &str) -> String {
    let lone = |line: &str| {
        line.contains(":::") && anstream::adapter::strip_str(line).to_string().trim() == ":::"
    };
    text.lines()
        .filter(|line| !lone(line))
        .flat_map(|line| [line.trim_end(), "\n"])
        .collect()
}

/// The part of a line that fits in `room` characters around `marked` (both in
/// characters), made harmless, and the bytes of it that are marked.
pub(super) fn window(
    line: &str,
    marked: std::ops::Range<usize>,
    room: usize,
) -> (String, std::ops::Range<usize>) {
    let length = line.chars().count();
    let room = room.max(10);
    let (from, to) = if length <= room {
        (0, length)
    } else if marked.end < room {
        (0, room - 1)
    } else {
        // Two places are taken by the ellipses; a third of the rest leads up
        // to the mark, so that its key is usually in sight.
        let from = marked
            .start
            .saturating_sub(room / 3)
            .min(length - (room - 2));
        (from, (from + room - 2).min(length))
    };
    let mut shown = String::new();
    if from > 0 {
        shown.push('…');
    }
    let (mut start, mut end) = (None, None);
    for (index, c) in line.chars().enumerate().skip(from).take(to - from) {
        if index == marked.start {
            start = Some(shown.len());
        }
        if index == marked.end {
            end = Some(shown.len());
        }
        shown.push(if c == '\t' { ' ' } else { harmless(c) });
    }
    let start = start.unwrap_or(shown.len());
    let end = end.unwrap_or(shown.len()).max(start);
    if to < length {
        shown.push('…');
    }
    (shown, start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_direction_marks_are_made_visible() {
        assert_eq!(
            brief("a\x1b[31m\n\u{9b}\u{202e}é"),
            "a␛[31m␊\u{fffd}\u{fffd}é"
        );
        assert_eq!(brief(&"x".repeat(50)), format!("{}…", "x".repeat(40)));
    }

    #[test]
    fn long_texts_are_folded_at_spaces() {
        assert_eq!(fold("one two three\nfour", 8), "one two\nthree\nfour");
        assert_eq!(fold("a-very-long-word then", 8), "a-very-long-word\nthen");
    }

    #[test]
    fn a_long_line_is_cut_around_what_is_marked() {
        let line = format!("{}MARK{}", "a".repeat(100), "b".repeat(100));
        let (shown, marked) = window(&line, 100..104, 40);
        assert_eq!(shown.chars().count(), 40);
        assert_eq!(&shown[marked], "MARK");
        let (shown, marked) = window("short MARK", 6..10, 40);
        assert_eq!((shown.as_str(), &shown[marked]), ("short MARK", "MARK"));
        let (shown, marked) = window(&line, 204..204, 40);
        assert_eq!(shown.chars().count(), 39);
        assert_eq!(marked.start, shown.len());
    }
}
