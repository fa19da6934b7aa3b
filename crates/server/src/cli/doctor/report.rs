//! Findings of `vestibule doctor`, printed one by one: a check over the network may take seconds.

use serde::Serialize;

use crate::cli::{CommandError, print_line};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    Warn,
    Fail,
}

#[derive(Debug, Serialize)]
struct Finding {
    level: Level,
    /// What was checked.
    check: &'static str,
    message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

pub(super) struct Report {
    findings: Vec<Finding>,
    is_json: bool,
}

impl Report {
    pub(super) fn new(is_json: bool) -> Self {
        Self { findings: Vec::new(), is_json }
    }

    pub(super) fn ok(&mut self, check: &'static str, message: &str) {
        self.add(Level::Ok, check, message, None);
    }

    pub(super) fn warn(&mut self, check: &'static str, message: &str, advice: &str) {
        self.add(Level::Warn, check, message, Some(advice));
    }

    pub(super) fn fail(&mut self, check: &'static str, message: &str, advice: &str) {
        self.add(Level::Fail, check, message, Some(advice));
    }

    fn add(&mut self, level: Level, check: &'static str, message: &str, advice: Option<&str>) {
        let finding = Finding { level, check, message: message.to_string(), advice: advice.map(str::to_string) };
        if !self.is_json {
            print_line(&finding.print());
        }
        self.findings.push(finding);
    }

    /// Prints the rest; returns whether nothing failed.
    pub(super) fn finish(self) -> Result<bool, CommandError> {
        let count = |level| self.findings.iter().filter(|finding| finding.level == level).count();
        let failures = count(Level::Fail);
        if self.is_json {
            print_line(&serde_json::to_string_pretty(&self.findings)?);
        } else {
            print_line(&format!("\n{} ok, {} to look at, {failures} failed.", count(Level::Ok), count(Level::Warn)));
        }
        Ok(failures == 0)
    }
}

impl Finding {
    fn print(&self) -> String {
        const INDENT: &str = "\n                     ";
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Fail => "fail",
        };
        let message = self.message.replace('\n', INDENT);
        let advice = self.advice.as_ref().map(|text| format!("{INDENT}→ {}", text.replace('\n', INDENT)));
        format!("{level:<5} {:<14} {message}{}", self.check, advice.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_what_to_do_below_it() {
        let message = "two\nlines".to_string();
        let finding = Finding { level: Level::Fail, check: "mail", message, advice: Some("repair it".into()) };
        let lines: Vec<String> = finding.print().lines().map(str::to_string).collect();
        assert_eq!(
            lines,
            ["fail  mail           two", "                     lines", "                     → repair it"]
        );
    }
}
