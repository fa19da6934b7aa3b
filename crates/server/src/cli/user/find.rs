//! `vestibule user find` and `show`.

use clap::{Args, ValueEnum};
use serde_json::json;
use vestibule_app::{
    admin::{
        audit::AuditLine,
        user_details::{self, NamedUser, UserDetails},
        user_lists::{self, UserFilter, UserQuery, UserSort},
    },
    identities::LoadedUser,
};
use vestibule_domain::{id::UserId, time::Timestamp, user::User};

use super::{InProject, explain, name_kind};
use crate::{
    admin_api::{
        retention_views::HoldsView,
        views::{DeviceKeysView, SessionsView, UserDetailView, UsersPage},
    },
    cli::{CommandError, printable},
};

/// Find users by ID, email, phone, username or name, in full or by the beginning, or by @ and a domain; without a text, list the newest
#[derive(Debug, Args)]
pub(in crate::cli) struct Find {
    #[command(flatten)]
    of: InProject,
    /// The beginning of a user ID (8 digits or more), email address, phone number, username or word of a name, or @ and the domain of
    /// email addresses
    text: Option<String>,
    /// Only users of this kind; not with a text
    #[arg(long, value_enum, default_value_t = Kind::All, conflicts_with = "text")]
    kind: Kind,
    /// For promoted and dormant: the number of days
    #[arg(long, value_name = "N", default_value_t = 30)]
    days: u32,
    /// The order: by creation, of promoted users by promotion; by the last login only with --kind member; not with a text
    #[arg(long, value_enum, default_value_t = Sort::Newest, conflicts_with = "text")]
    sort: Sort,
    /// Maximum number of users
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Continue after an earlier page, with the cursor that it printed
    #[arg(long)]
    cursor: Option<String>,
    /// Print JSON, as the Admin API does
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    All,
    Guest,
    Member,
    Promoted,
    Dormant,
    Disabled,
    Expiring,
    Held,
}

impl Kind {
    fn filter(self) -> UserFilter {
        match self {
            Self::All => UserFilter::All,
            Self::Guest => UserFilter::Guest,
            Self::Member => UserFilter::Member,
            Self::Promoted => UserFilter::Promoted,
            Self::Dormant => UserFilter::Dormant,
            Self::Disabled => UserFilter::Disabled,
            Self::Expiring => UserFilter::Expiring,
            Self::Held => UserFilter::Held,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sort {
    Newest,
    Oldest,
    LatestLogin,
    EarliestLogin,
}

impl Sort {
    fn order(self) -> UserSort {
        match self {
            Self::Newest => UserSort::Newest,
            Self::Oldest => UserSort::Oldest,
            Self::LatestLogin => UserSort::LatestLogin,
            Self::EarliestLogin => UserSort::EarliestLogin,
        }
    }
}

impl Find {
    pub(in crate::cli) async fn run(self) -> Result<(), CommandError> {
        let query = UserQuery {
            kind: self.kind.filter(),
            days: self.days,
            sort: self.sort.order(),
            search: self.text,
            cursor: self.cursor,
            limit: self.limit,
        };
        let opened = self.of.open().await?;
        if self.json {
            let page = user_lists::list(&opened.ctx(), &query).await;
            opened.close().await;
            println!("{}", serde_json::to_string_pretty(&UsersPage::of(page.map_err(explain)?, None))?);
            return Ok(());
        }
        let page = user_details::list(&opened.ctx(), &query).await;
        opened.close().await;
        let page = page.map_err(explain)?;
        if page.items.is_empty() && page.next.is_none() {
            eprintln!("No users match.");
        }
        for NamedUser { user, login_id, person } in &page.items {
            let name = login_id.as_deref().or(person.as_deref()).map_or_else(|| "-".to_string(), printable);
            println!("{}\t{}\t{name}\tcreated {}", user.id, name_kind(user), user.created_at.to_rfc3339());
        }
        if let Some(cursor) = page.next {
            eprintln!("There may be more: --cursor {cursor}");
        }
        Ok(())
    }
}

/// Show a user: login methods, sessions, device keys and the latest events
#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    #[command(flatten)]
    of: InProject,
    /// The user ID, the `sub` of the user's tokens
    #[arg(value_name = "USER")]
    user: UserId,
    /// Print JSON; its parts are those of the Admin API
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(in crate::cli) async fn run(self) -> Result<(), CommandError> {
        let opened = self.of.open().await?;
        let details = user_details::load(&opened.ctx(), self.user).await;
        opened.close().await;
        let details = details.map_err(explain)?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&print_json(details)?)?);
        } else {
            print_details(&details);
        }
        Ok(())
    }
}

fn print_json(details: UserDetails) -> Result<serde_json::Value, serde_json::Error> {
    let UserDetails { loaded, keys, sessions, mark, holds, events } = details;
    let events: Vec<serde_json::Value> =
        events.iter().map(|line| serde_json::from_str(&line.body)).collect::<Result<_, _>>()?;
    Ok(json!({
        "user": UserDetailView::of(loaded),
        "sessions": serde_json::to_value(SessionsView::of(sessions))?["sessions"],
        "device_keys": serde_json::to_value(DeviceKeysView::of(keys))?["device_keys"],
        "retention": {
            "warned_at": mark.warned_at.map(Timestamp::to_rfc3339),
            "expired_at": mark.expired_at.map(Timestamp::to_rfc3339),
            "holds": serde_json::to_value(HoldsView::of(holds))?["holds"],
        },
        "events": events,
    }))
}

/// One line of the description of a user.
fn line(label: &str, text: &str) {
    println!("{label:<15} {}", printable(text));
}

fn line_of_time(label: &str, at: Option<Timestamp>) {
    if let Some(at) = at {
        line(label, &at.to_rfc3339());
    }
}

fn print_details(details: &UserDetails) {
    let LoadedUser { user, identities, authenticators, .. } = &details.loaded;
    print_user(user);
    for (login_id, verified_at) in identities.iter().filter_map(|identity| identity.login_id()) {
        let verified = verified_at.map_or("not verified".to_string(), |at| format!("verified {}", at.to_rfc3339()));
        line("Login ID", &format!("{} {} ({verified})", login_id.kind.as_str(), login_id.original));
    }
    for authenticator in authenticators {
        line(
            "Authenticator",
            &format!("{}, since {}", authenticator.kind.as_str(), authenticator.created_at.to_rfc3339()),
        );
    }
    for (name, value) in user.standard_attributes.iter().chain(&user.custom_attributes) {
        line("Attribute", &format!("{name}: {value}"));
    }
    for session in &details.sessions {
        let application = session.client_id.as_deref().unwrap_or("(cookie)");
        let device = session.device.as_deref().unwrap_or("unnamed device");
        let (since, used) = (session.created_at.to_rfc3339(), session.last_access_at.to_rfc3339());
        line("Session", &format!("{} {application}, {device}, since {since}, last used {used}", session.id));
    }
    for key in &details.keys {
        let device = key.device.as_deref().unwrap_or("unnamed device");
        line("Device key", &format!("{}, {device}, last used {}", key.key_id, key.last_used_at.to_rfc3339()));
    }
    line_of_time("Warned", details.mark.warned_at);
    line_of_time("Expired", details.mark.expired_at);
    for hold in &details.holds {
        line("Hold", &format!("{}: {}, until {}", hold.owner, hold.reason, hold.expires_at.to_rfc3339()));
    }
    for AuditLine { at, kind, by, .. } in &details.events {
        line("Event", &format!("{} {kind} by {by}", at.to_rfc3339()));
    }
}

fn print_user(user: &User) {
    line("ID", &user.id.to_string());
    line("Kind", name_kind(user));
    line_of_time("Created", Some(user.created_at));
    line_of_time("Promoted", user.promoted_at);
    line_of_time("Last sign-in", user.last_login_at);
    line_of_time("Disabled", user.disabled_at);
    if let Some(member) = user.yielded_to {
        line("Signed in to", &format!("{member}, a member; this guest is no longer used"));
    }
}
