//! `vestibule key …`: keys that sign tokens.

use std::time::Duration;

use clap::{Args, Subcommand};
use vestibule_app::{actor::Actor, signing_keys};

use super::{CommandError, OfProject, Opened};

#[derive(Debug, Subcommand)]
pub(super) enum SigningKeyCommand {
    /// List the signing keys of a project
    List(OfProject),
    /// Rotate the signing keys of a project; sessions stay valid
    Rotate(Rotate),
}

#[derive(Debug, Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    of: OfProject,
    /// Sign with the new keys at once instead of after 24 hours; verifiers that cache the key set must fetch it again
    #[arg(long)]
    now: bool,
}

impl SigningKeyCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List(of) => {
                let opened = Opened::open(&of.config, &of.project).await?;
                let listed = signing_keys::list(&opened.ctx()).await;
                let now = opened.now();
                opened.close().await;
                let listed = listed?;
                let signs = |purpose: &str| {
                    let mut alive = listed.iter().filter(|key| key.purpose == purpose);
                    alive.find(|key| key.retired_at.is_none_or(|at| at > now)).map(|key| key.kid.as_str())
                };
                for key in &listed {
                    let state = match key.retired_at {
                        _ if key.purpose == "mac" => "for opaque tokens".to_string(),
                        Some(at) if at <= now => format!("verifies only, since {at}"),
                        Some(at) => format!("signs until {at}"),
                        None if signs(&key.purpose) == Some(&key.kid) => "signs".to_string(),
                        None => "published, not yet signing".to_string(),
                    };
                    println!("{}\t{}\tmade {}\t{state}", key.kid, key.purpose, key.created_at);
                }
            }
            Self::Rotate(rotate) => {
                let opened = Opened::open(&rotate.of.config, &rotate.of.project).await?;
                let ahead = if rotate.now { Duration::ZERO } else { signing_keys::PUBLISH_AHEAD };
                let actor = Actor::at_terminal(if rotate.now { "key rotate --now" } else { "key rotate" });
                let done = signing_keys::rotate(&opened.ctx(), &actor, None, ahead).await;
                opened.close().await;
                done?;
                if rotate.now {
                    println!("New keys sign now. Tokens signed with old keys stay valid until they expire.");
                } else {
                    println!(
                        "New keys are published and sign in 24 hours. Tokens signed with old keys stay valid until they expire."
                    );
                }
            }
        }
        Ok(())
    }
}
