//! Import of users from a file: first a dry run with numbers and the first errors by line, then the confirmation.

use askama::Template;
use vestibule_app::{
    admin::{
        AdminError,
        transfer::{self, ImportedLine, LineOutcome},
    },
    error::Error,
};
use vestibule_domain::operator::Role;
use vestibule_web::{count::count_of, template::finish};

use crate::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb,
    frame::{PortalContext, PortalPage},
};

/// Errors that are shown.
const SHOWN: usize = 20;

pub(super) fn routes() -> Vec<PortalRoute> {
    const PATH: &str = "/portal/p/{project}/users/import";
    vec![
        // A file brings password hashes and keys: a person who imports it can sign in as its users.
        PortalRoute::project(Verb::Get, PATH, Role::Owner, show).requires_reauthentication(),
        PortalRoute::project(Verb::Post, PATH, Role::Owner, act).requires_reauthentication().takes_upload(),
    ]
}

async fn show(request: ProjectRequest) -> PageResult {
    request.show(&ImportUsersPage::default())
}

/// The dry run of a file, or the import of lines that were looked at.
async fn act(request: ProjectRequest) -> PageResult {
    let is_confirmed = request.field("step") == "import";
    let text = request.field(if is_confirmed { "lines" } else { "file" });
    if text.trim().is_empty() {
        let error = Some("Choose a file with JSON Lines.".to_string());
        return request.show_again(&ImportUsersPage { error, ..ImportUsersPage::default() });
    }
    let operator = request.signed_in.operator.id.to_string();
    let _place = request.app.shares.transfers.take_for(request.project.no, &operator).map_err(Error::from)?;
    let (ctx, lines) = (request.ctx(), text.to_string());
    let outcome = match is_confirmed {
        true => transfer::import(&ctx, &request.acting(), lines).await,
        false => transfer::try_import(&ctx, &request.acting(), lines).await,
    };
    match outcome {
        Ok(lines) => {
            let result = ImportResult::of(&lines);
            let lines = (!is_confirmed && result.created > 0).then(|| text.to_string());
            request.show(&ImportUsersPage { is_done: is_confirmed, result: Some(result), lines, error: None })
        }
        Err(AdminError::Invalid(faults)) => {
            let error = faults.into_iter().next().map(|fault| crate::settings_form::sentence(&fault.message));
            request.show_again(&ImportUsersPage { error, ..ImportUsersPage::default() })
        }
        Err(error) => Err(PortalError::from(error)),
    }
}

/// What became of the lines, or would.
#[derive(Clone, Debug, Default)]
pub(crate) struct ImportResult {
    pub created: usize,
    pub existing: usize,
    pub refused: usize,
    /// The first errors: the line's number and the reason.
    pub errors: Vec<(usize, String)>,
}

impl ImportResult {
    fn of(lines: &[ImportedLine]) -> Self {
        let mut result = Self::default();
        for line in lines {
            match &line.outcome {
                LineOutcome::Created => result.created += 1,
                LineOutcome::Exists => result.existing += 1,
                LineOutcome::Refused(reason) => {
                    result.refused += 1;
                    if result.errors.len() < SHOWN {
                        result.errors.push((line.line, reason.clone()));
                    }
                }
            }
        }
        result
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ImportUsersPage {
    /// Whether the result is that of an import, and not of a dry run.
    pub is_done: bool,
    pub result: Option<ImportResult>,
    /// The lines to import after the confirmation.
    pub lines: Option<String>,
    pub error: Option<String>,
}

impl ImportUsersPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let result = ImportResult {
            created: 37,
            existing: 2,
            refused: 1,
            errors: vec![(4, "a login ID belongs to <another> user".into())],
        };
        let dry_run = Self { result: Some(result), lines: Some("{\"id\": \"<x>\"}\n".into()), ..Self::default() };
        let done = Self { is_done: true, lines: None, ..dry_run.clone() };
        let wrong = Self { error: Some("Choose a file with JSON Lines.".into()), ..Self::default() };
        vec![("empty", Self::default()), ("dry-run", dry_run), ("done", done), ("wrong", wrong)]
    }

    /// The numbers of a result, in words.
    fn facts(&self, result: &ImportResult) -> Vec<String> {
        let number =
            |count: usize, one: &str, many: &str| count_of(i64::try_from(count).unwrap_or(i64::MAX), one, many);
        let created = match self.is_done {
            true => number(result.created, "user was created", "users were created"),
            false => number(result.created, "user is new", "users are new"),
        };
        vec![
            format!("{created}."),
            format!("{} already and not changed.", number(result.existing, "user exists", "users exist")),
            format!("{} not be imported.", number(result.refused, "line can", "lines can")),
        ]
    }
}

impl PortalPage for ImportUsersPage {
    fn title(&self) -> String {
        "Import users".into()
    }

    fn section(&self) -> Option<&'static str> {
        Some("users")
    }

    fn above(&self) -> Option<(String, String)> {
        Some(("/users".into(), "Users".into()))
    }

    fn problems(&self) -> Vec<(String, String)> {
        self.error.iter().map(|error| ("file".to_string(), error.clone())).collect()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(ImportBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/import_users.html")]
struct ImportBody<'a> {
    ctx: &'a PortalContext,
    page: &'a ImportUsersPage,
}
