//! Figures and their arithmetic. Pure: samples in, medians out.

use std::time::Duration;

use serde::Serialize;

/// One figure, over all rounds.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// What it is.
    pub name: String,
    /// The median of the samples.
    pub value: f64,
    /// Of the value: `events/s`, `ms`, `MB`, `×` …
    pub unit: &'static str,
    /// One per round, in order.
    pub samples: Vec<f64>,
    /// What else is to be said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What a measurement came to.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The bench's word.
    pub bench: &'static str,
    /// Rounds measured.
    pub rounds: u32,
    /// In the order they are told.
    pub figures: Vec<Figure>,
    /// Names of those that miss what they must reach, where a bench says what that is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<String>,
}

impl Report {
    /// An empty one.
    #[must_use]
    pub fn new(bench: &'static str, rounds: u32) -> Self {
        Self {
            bench,
            rounds,
            figures: Vec::new(),
            missed: Vec::new(),
        }
    }

    /// Adds a round's sample to the figure of this name, which begins with its first one.
    pub fn add(&mut self, name: &str, unit: &'static str, sample: f64) {
        match self.figures.iter_mut().find(|f| f.name == name) {
            Some(figure) => {
                figure.samples.push(sample);
                figure.value = median(&figure.samples);
            }
            None => self.figures.push(Figure {
                name: name.to_owned(),
                value: sample,
                unit,
                samples: vec![sample],
                note: None,
            }),
        }
    }

    /// The samples of a figure.
    #[must_use]
    pub fn samples(&self, name: &str) -> &[f64] {
        self.figures
            .iter()
            .find(|f| f.name == name)
            .map_or(&[], |f| &f.samples)
    }
}

/// The middle one; of an even number, the mean of the two in the middle. 0 of none.
#[must_use]
pub fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// The smallest sample that at least this share (0..1) of all is not above, in milliseconds.
#[must_use]
pub fn quantile_ms(samples: &mut [Duration], share: f64) -> f64 {
    samples.sort_unstable();
    let at = (share * samples.len() as f64).ceil() as usize;
    samples
        .get(at.saturating_sub(1))
        .or(samples.last())
        .map_or(0.0, |sample| sample.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_stands_in_the_middle_whatever_the_order() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median(&[]).abs() < 1e-9);
    }

    #[test]
    fn a_quantile_is_a_sample_that_was_measured() {
        let mut samples: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert!((quantile_ms(&mut samples, 0.5) - 50.0).abs() < 1e-9);
        assert!((quantile_ms(&mut samples, 0.99) - 99.0).abs() < 1e-9);
        assert!((quantile_ms(&mut samples, 1.0) - 100.0).abs() < 1e-9);
        assert!(quantile_ms(&mut [], 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_figure_gathers_its_rounds() {
        let mut report = Report::new("drain", 2);
        report.add("events", "events/s", 10.0);
        report.add("events", "events/s", 30.0);
        assert_eq!(report.figures.len(), 1);
        assert!((report.figures[0].value - 20.0).abs() < 1e-9);
        assert_eq!(report.samples("events"), [10.0, 30.0]);
        assert!(report.samples("nothing").is_empty());
    }
}
