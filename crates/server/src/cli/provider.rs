//! `vestibule provider …`: the client secrets of providers of external accounts. They are read from the standard input, stored
//! sealed, and never shown.

use std::io::Read as _;

use clap::{Args, Subcommand};
use vestibule_app::{
    actor::Actor,
    admin::{AdminError, Thing},
    providers::{
        check::{self, Verdict},
        secrets::{self, SECRET_BYTES},
    },
};
use vestibule_domain::secret::Secret;

use super::{CommandError, OfProject, Opened};

#[derive(Debug, Subcommand)]
pub(super) enum ProviderCommand {
    /// List the providers with their redirect URIs, and whether their client secrets are set
    List(OfProject),
    /// Set the client secret of a provider; reads it from the standard input
    SetSecret(OfProvider),
    /// Remove the client secret of a provider; users can no longer sign in with it
    RemoveSecret(OfProvider),
    /// Check a provider's metadata, keys and client secret, without signing anyone in
    Check(OfProvider),
}

#[derive(Debug, Args)]
pub(super) struct OfProvider {
    #[command(flatten)]
    of: OfProject,
    /// The provider's alias in the project's settings
    alias: String,
}

impl ProviderCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List(of) => {
                let opened = Opened::open(&of.config, &of.project).await?;
                let listed = secrets::list(&opened.ctx()).await;
                opened.close().await;
                for info in listed? {
                    let secret = info
                        .secret_set_at
                        .map_or_else(|| "no secret".to_string(), |at| format!("secret set {}", at.to_rfc3339()));
                    println!("{}\t{}\t{}\t{secret}", info.provider.alias, info.provider.kind.as_str(), info.callback);
                }
            }
            Self::SetSecret(OfProvider { of, alias }) => {
                let secret = read_secret()?;
                let opened = Opened::open(&of.config, &of.project).await?;
                let by = Actor::at_terminal("provider set-secret");
                let set = secrets::set(&opened.ctx(), &by, &alias, secret).await;
                opened.close().await;
                set.map_err(|error| explain(error, &of, &alias))?;
                println!("set");
            }
            Self::RemoveSecret(OfProvider { of, alias }) => {
                let opened = Opened::open(&of.config, &of.project).await?;
                let by = Actor::at_terminal("provider remove-secret");
                let removed = secrets::remove(&opened.ctx(), &by, &alias).await;
                opened.close().await;
                removed.map_err(|error| explain(error, &of, &alias))?;
                println!("removed");
            }
            Self::Check(OfProvider { of, alias }) => {
                let opened = Opened::open(&of.config, &of.project).await?;
                let found = check::check(&opened.ctx(), &alias).await;
                opened.close().await;
                let found = found.map_err(|error| explain(error, &of, &alias))?;
                for finding in &found {
                    let verdict = match finding.verdict {
                        Verdict::Good => "good",
                        Verdict::Bad => "bad",
                        Verdict::Unclear => "unclear",
                    };
                    println!("{verdict}\t{}", finding.text);
                }
                if found.iter().any(|finding| finding.verdict == Verdict::Bad) {
                    return Err(CommandError(format!("users can't sign in with \"{alias}\"")));
                }
            }
        }
        Ok(())
    }
}

/// The secret, without the line break after it.
fn read_secret() -> Result<Secret<String>, CommandError> {
    let mut text = String::new();
    let most = u64::try_from(SECRET_BYTES).unwrap_or(u64::MAX).saturating_add(3);
    std::io::stdin().take(most).read_to_string(&mut text)?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_string()))
}

fn explain(error: AdminError, of: &OfProject, alias: &str) -> CommandError {
    match error {
        AdminError::NotFound(Thing::Provider) => CommandError(format!(
            "the project \"{}\" has no provider \"{alias}\", or no secret for it: see `vestibule provider list`",
            of.project
        )),
        AdminError::Invalid(faults) => {
            CommandError(faults.into_iter().map(|fault| fault.message).collect::<Vec<_>>().join("\n"))
        }
        other @ (AdminError::Store(_)
        | AdminError::NotFound(_)
        | AdminError::Conflict(_)
        | AdminError::Changed { .. }
        | AdminError::OriginFixed
        | AdminError::RoleLost
        | AdminError::Flow(_)
        | AdminError::Load(_)) => other.into(),
    }
}
