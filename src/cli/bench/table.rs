//! A bench's report as people read it: from figures to lines.

use crate::cli::output::{Output, Style};
use crate::ops::bench::Report;

/// A line a figure, and at the end what was missed.
pub(super) fn table(report: &Report, output: Output) -> String {
    let widest = report.figures.iter().map(|f| f.name.chars().count()).max();
    let widest = widest.unwrap_or_default();
    let rounds = match report.rounds {
        1 => "one round".to_owned(),
        n => format!("medians of {n} rounds [least to most]"),
    };
    let head = output.colors.paint(Style::Head, report.bench);
    let mut text = format!("{head}: {rounds}\n");
    for figure in &report.figures {
        let pad = " ".repeat(widest - figure.name.chars().count());
        let name = output.colors.paint(Style::Name, &figure.name);
        let value = number(figure.value);
        text.push_str(&format!("  {name}{pad}  {value:>9} {}", figure.unit));
        if figure.samples.len() > 1 {
            let least = figure.samples.iter().copied().fold(f64::INFINITY, f64::min);
            let most = figure.samples.iter().copied().fold(0.0, f64::max);
            let range = format!("  [{} to {}]", number(least), number(most));
            text.push_str(&output.colors.paint(Style::Quiet, range));
        }
        if let Some(note) = &figure.note {
            let note = format!("  {note}");
            text.push_str(&output.colors.paint(Style::Quiet, note));
        }
        text.push('\n');
    }
    if !report.missed.is_empty() {
        let missed = format!("{} of {} miss what they must reach:", report.missed.len(), report.figures.len());
        text.push_str(&format!("{}\n", output.colors.paint(Style::Head, missed)));
        for name in &report.missed {
            text.push_str(&format!("  {name}\n"));
        }
    }
    text
}

/// Three figures that matter, thousands apart.
fn number(value: f64) -> String {
    if value.abs() < 100.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Colors;

    #[test]
    fn numbers_are_told_as_they_are_read() {
        assert_eq!(number(0.4567), "0.46");
        assert_eq!(number(99.0), "99.00");
        assert_eq!(number(1234.5), "1 234");
        assert_eq!(number(1_000_000.0), "1 000 000");
    }

    #[test]
    fn a_table_names_every_figure_and_its_range() {
        let output = Output {
            colors: Colors(false),
        };
        let mut report = Report::new("drain", 2);
        report.add("drained", "events/s", 20_000.0);
        report.add("drained", "events/s", 30_000.0);
        assert_eq!(
            table(&report, output),
            "drain: medians of 2 rounds [least to most]\n  drained     25 000 events/s  [20 000 to 30 000]\n"
        );
    }
}
