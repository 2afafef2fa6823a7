//! The lines of a file that a mistake is about, with the marks under them.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Origin, Snippet};

use super::show;
use super::source::Source;

/// Past this a line is cut here, around its mark, and not by the renderer,
/// which would go through all of it: a line may have a megabyte.
const LONG: usize = 1000;

/// Marks no further apart than this are shown in one piece of the file.
const NEAR: usize = 50;

/// A place to underline.
pub(super) struct Mark {
    pub(super) span: Range<usize>,
    pub(super) kind: AnnotationKind,
    pub(super) label: Option<&'static str>,
}

/// Adds the lines of all marks to a report.
pub(super) fn add<'a>(
    group: Group<'a>,
    source: &Source,
    marks: Vec<Mark>,
    width: usize,
) -> Group<'a> {
    let lines: Vec<usize> = marks
        .iter()
        .map(|mark| source.line_of(mark.span.start))
        .collect();
    let first = lines.iter().copied().min().unwrap_or(1);
    let last = lines.iter().copied().max().unwrap_or(1);
    let short =
        last - first <= NEAR && (first..=last).all(|number| source.line(number).len() <= LONG);
    if short {
        return group.element(together(source, first..=last, marks));
    }
    marks.into_iter().fold(group, |group, mark| {
        let number = source.line_of(mark.span.start);
        if source.line(number).len() <= LONG {
            return group.element(together(source, number..=number, vec![mark]));
        }
        let at = source.location(mark.span.start);
        let origin = Origin::path(show::whole(&at.file))
            .line(at.line)
            .char_column(at.column);
        let gutter = number.to_string().len() + " | ".len() + 1;
        let (line, marked) = show::window(
            source.line(number),
            source.marked(&mark.span),
            width.saturating_sub(gutter),
        );
        let snippet = Snippet::source(line)
            .line_start(number)
            .annotation(mark.kind.span(marked).label(mark.label));
        group.element(origin).element(snippet)
    })
}

/// Lines that follow each other; those without a mark are folded away.
fn together(
    source: &Source,
    lines: std::ops::RangeInclusive<usize>,
    marks: Vec<Mark>,
) -> Snippet<'static, Annotation<'static>> {
    let first = *lines.start();
    let mut text = String::new();
    let mut starts = Vec::new();
    for number in lines {
        starts.push(text.len());
        text.extend(source.line(number).chars().map(show::harmless_in_source));
        text.push('\n');
    }
    text.pop();
    let annotations: Vec<Annotation<'static>> = marks
        .into_iter()
        .map(|mark| {
            let marked = source.marked(&mark.span);
            let start = starts[source.line_of(mark.span.start) - first];
            let line = &text[start..];
            let byte = |character| {
                line.char_indices()
                    .nth(character)
                    .map_or(text.len(), |(at, _)| start + at)
            };
            mark.kind
                .span(byte(marked.start)..byte(marked.end))
                .label(mark.label)
        })
        .collect();
    Snippet::source(text)
        .line_start(first)
        .path(show::whole(&source.file))
        .annotations(annotations)
}
