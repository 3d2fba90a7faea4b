//! Are the settings right? From their inspection, as `neurolink config` shows it.

use serde_json::json;

use super::model::Finding;
use crate::config::SettingFault;

pub(super) fn judge(
    faults: &[SettingFault],
    warnings: &[String],
    has_secret: bool,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = faults
        .iter()
        .map(|fault| {
            Finding::error("setting_wrong", fault.to_string())
                .evidence(json!({"setting": fault.name}))
                .cure("neurolink config")
        })
        .collect();
    findings.extend(
        warnings.iter().map(|warning| {
            Finding::warning("setting_odd", warning.as_str()).cure("neurolink config")
        }),
    );
    if faults.is_empty() && !has_secret {
        findings.push(
            Finding::note(
                "secret_missing",
                "JWT_SECRET_KEY is not set here: `neurolink serve` would refuse to start (`neurolink worker` doesn't need it)",
            )
            .cure("# the secret that the ERP signs its tokens with, 32 bytes or more: JWT_SECRET_KEY=…"),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;
    use crate::config::inspect::inspect;
    use crate::ops::doctor::model::Severity;

    fn found(pairs: &[(&'static str, &'static str)]) -> Vec<(Severity, &'static str)> {
        let inspection = inspect(&Sources::from_pairs(pairs.iter().copied()));
        let secret = pairs.iter().any(|(name, _)| *name == "JWT_SECRET_KEY");
        judge(&inspection.faults, &inspection.warnings, secret)
            .iter()
            .map(|finding| (finding.severity, finding.code))
            .collect()
    }

    #[test]
    fn faults_are_errors_oddities_warnings_and_a_missing_secret_a_note() {
        let secret = ("JWT_SECRET_KEY", "a secret of more than thirty-two bytes");
        assert_eq!(found(&[secret]), []);
        assert_eq!(found(&[]), [(Severity::Note, "secret_missing")]);
        assert_eq!(
            found(&[secret, ("NEUROLINK_LISTEN", "x"), ("NEUROLINK_LISTN", "y")]),
            [
                (Severity::Error, "setting_wrong"),
                (Severity::Warning, "setting_odd")
            ]
        );
    }
}
