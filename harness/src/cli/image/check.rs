//! `kiln image check`.

use engine::image::check::{Finding, Severity, check as look};
use engine::image::read::Limits;
use serde_json::json;

use super::args::Check;
use crate::cli::{events, out};
use crate::exit::{Exit, Failure};

pub(super) fn check(args: &Check) -> Result<(), Failure> {
    let Check { image, session, strict, quiet, json: as_json } = args;
    let (mut sectors, sessions) = super::sectors(image)?;
    let session = super::session(*session, &mut sectors, &sessions)?;
    let report =
        look(&mut sectors, session, Limits::default()).map_err(|e| super::unreadable(image, &e))?;
    let shown = |finding: &&Finding| !quiet || finding.severity > Severity::Note;
    if *as_json {
        let findings: Vec<_> = report
            .findings
            .iter()
            .map(|Finding { severity, at, clause, what }| {
                let severity = severity.to_string();
                json!({ "severity": severity, "byte": at, "clause": clause, "what": what })
            })
            .collect();
        let object = json!({
            "v": events::VERSION,
            "file": image.display().to_string(),
            "session": session.0,
            "volumes": report.volumes,
            "errors": report.errors(),
            "warnings": report.warnings(),
            "findings": findings,
            "more_findings": report.more,
        });
        out::data(&object.to_string())?;
    } else {
        for finding in report.findings.iter().filter(shown) {
            if !out::data(&finding.to_string())? {
                break;
            }
        }
    }
    let (errors, warnings) = (report.errors(), report.warnings());
    let path = image.display();
    let found =
        format!("{path}: {}: {errors} errors, {warnings} warnings", report.volumes.join(", "));
    if errors > 0 || *strict && warnings > 0 {
        return Err(Failure::new(Exit::Damaged, found));
    }
    out::note(&found);
    Ok(())
}
