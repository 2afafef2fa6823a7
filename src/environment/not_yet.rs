//! What is read but not carried out yet is refused, so that no file says more
//! than is done. `load` alone asks here; when the plan carries out assignments,
//! removals and definitions, this file goes.

use super::desired::{Desired, Location};
use super::mistakes::{Mistake, Mistakes};
use super::show;
use super::source::Source;

pub(super) fn refuse(desired: &Desired, text: &str) -> Result<(), Mistakes> {
    let source = Source::new(&desired.file, text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut list = Vec::new();
    let mut refuse = |what: String, at: &Location| {
        let start = source.offset(at);
        let message = format!(
            "`{}` is not supported by this version of evenkeel",
            show::whole(&what)
        );
        list.push(
            Mistake::new(start..start + 1, message)
                .help("take it out; what the file does not declare is left as it is".to_owned()),
        );
    };
    for service in &desired.services {
        for assignment in &service.assignments {
            refuse(assignment.path.to_string(), &assignment.at);
        }
        for removal in &service.remove {
            refuse("remove".to_owned(), &removal.at);
        }
        if let Some(definition) = &service.definition {
            refuse("definition".to_owned(), &definition.at);
        }
    }
    if list.is_empty() {
        return Ok(());
    }
    Err(Mistakes::new(source, list))
}
