//! The text of a file and the way from byte offsets to lines and columns.

use std::ops::Range;

use super::desired::Location;

/// A file's text with its lines indexed. Lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) file: String,
    pub(super) text: String,
    starts: Vec<usize>,
    ascii: bool,
}

impl Source {
    pub(super) fn new(file: &str, text: &str) -> Self {
        let starts = std::iter::once(0)
            .chain(
                text.bytes()
                    .enumerate()
                    .filter(|(_, b)| *b == b'\n')
                    .map(|(at, _)| at + 1),
            )
            .collect();
        Self {
            file: file.to_owned(),
            text: text.to_owned(),
            starts,
            ascii: text.is_ascii(),
        }
    }

    pub(super) fn location(&self, offset: usize) -> Location {
        let offset = self.floor(offset);
        let line = self.line_of(offset);
        let column = self.characters(self.starts[line - 1], offset) + 1;
        Location {
            file: self.file.clone(),
            line,
            column,
        }
    }

    /// The byte at a line and a column; the end of the line, or of the text,
    /// where there is none.
    pub(super) fn offset(&self, line: usize, column: usize) -> usize {
        let Some(start) = line.checked_sub(1).and_then(|at| self.starts.get(at)) else {
            return self.text.len();
        };
        let text = self.line(line);
        let before = text.char_indices().nth(column.saturating_sub(1));
        start + before.map_or(text.len(), |(at, _)| at)
    }

    /// The line that holds an offset.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    /// A line without its end.
    pub(super) fn line(&self, number: usize) -> &str {
        let start = self.starts[number - 1];
        let end = self
            .starts
            .get(number)
            .map_or(self.text.len(), |next| next - 1);
        let line = &self.text[start..end];
        line.strip_suffix('\r').unwrap_or(line)
    }

    /// The part of a span on its first line, in characters of that line.
    pub(super) fn marked(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.floor(span.start);
        let number = self.line_of(start);
        let line_start = self.starts[number - 1];
        let end = self.floor(span.end).clamp(
            start,
            line_start + self.line(number).len().max(start - line_start),
        );
        let from = self.characters(line_start, start);
        from..from + self.characters(start, end)
    }

    fn characters(&self, from: usize, to: usize) -> usize {
        if self.ascii {
            to - from
        } else {
            self.text[from..to].chars().count()
        }
    }

    /// The nearest character boundary at or before an offset.
    fn floor(&self, offset: usize) -> usize {
        self.text.floor_char_boundary(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_offsets_past_the_end_are_the_end() {
        let source = Source::new("f", "é = 1\r\nabc");
        let at = |offset| {
            let at = source.location(offset);
            (at.line, at.column)
        };
        assert_eq!((at(0), at(1), at(2)), ((1, 1), (1, 1), (1, 2)));
        assert_eq!((at(8), at(11), at(99)), ((2, 1), (2, 4), (2, 4)));
        assert_eq!((source.line(1), source.line(2)), ("é = 1", "abc"));
        assert_eq!(source.marked(&(2..10)), 1..5);
    }
}
