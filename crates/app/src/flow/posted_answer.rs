//! The answer of a provider whose page posts it, as Apple's does. A post from another site comes without the flow's cookie, so it is
//! answered with a redirect to a navigation, which has it. The URL of the redirect has the answer sealed: neither the code nor the
//! name gets into logs and histories.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vestibule_domain::time::Timestamp;
use vestibule_protocol::form::Form;

use super::external::STATE_BYTES;
use crate::{ctx::Ctx, providers::apple};

/// How long the redirect may take.
const LIFETIME: Duration = Duration::from_secs(60);
/// Maximum bytes of an answer, so that its URL stays short enough for proxies.
const ANSWER_BYTES: usize = 3 * 1_024;
/// What is kept of an answer. A parameter that is repeated stays so.
const KEPT: [&str; 4] = ["state", "code", "error", "iss"];

/// The fields of the parts of the user's name.
pub(super) const GIVEN_NAME: &str = "given_name";
pub(super) const FAMILY_NAME: &str = "family_name";

#[derive(Deserialize, Serialize)]
struct Posted {
    alias: String,
    expires_at: Timestamp,
    fields: Vec<(String, String)>,
}

/// Seals an answer to the callback of this alias for the redirect; `None` when it is none that this provider posts.
#[must_use]
pub fn seal(ctx: &Ctx<'_>, alias: &str, form: &Form) -> Option<String> {
    let provider = ctx.project.settings.provider(alias).filter(|provider| provider.kind.posts_answer())?;
    form.get("state").ok().flatten().filter(|state| state.len() <= STATE_BYTES)?;
    let mut fields: Vec<(String, String)> = Vec::new();
    for name in KEPT {
        fields.extend(form.get_all(name).map(|value| (name.to_string(), value.to_string())));
    }
    let name = apple::read_name(form.get("user").ok().flatten().unwrap_or_default());
    fields.extend(name.given.map(|given| (GIVEN_NAME.to_string(), given)));
    fields.extend(name.family.map(|family| (FAMILY_NAME.to_string(), family)));
    let posted = Posted { alias: provider.alias.clone(), expires_at: ctx.now.plus(LIFETIME), fields };
    let plain = serde_json::to_vec(&posted).ok().filter(|plain| plain.len() <= ANSWER_BYTES)?;
    Some(ctx.project.keys.mac.seal_provider_answer(&plain, &ctx.app.entropy))
}

/// The parameter with an answer that was posted.
pub const POSTED: &str = "answer";

/// What is passed on of the query of a callback: the answer and nothing else. The URL may be longer than its parts are useful, and names
/// that another page reads must not get there.
#[must_use]
pub fn known(query: &Form) -> Form {
    let names = KEPT.into_iter().chain([POSTED]);
    let pairs =
        names.flat_map(|name| query.get_all(name).take(2).map(move |value| (name.to_string(), value.to_string())));
    Form::from_pairs(pairs)
}

/// The answer in the query of a callback: what was posted, if it is that, else the query itself. `None` when what was posted is too
/// old, changed, or another callback's.
#[must_use]
pub fn read(ctx: &Ctx<'_>, alias: &str, query: Form) -> Option<Form> {
    let sealed = query.get(POSTED).ok()?.map(str::to_string);
    match sealed {
        None => Some(query),
        Some(sealed) => open(ctx, alias, &sealed),
    }
}

/// Reads an answer that [`seal`] made for the callback of this alias; `None` when it is another one's, too old, or changed.
#[must_use]
fn open(ctx: &Ctx<'_>, alias: &str, sealed: &str) -> Option<Form> {
    let plain = ctx.project.keys.mac.open_provider_answer(sealed)?;
    let posted: Posted = serde_json::from_slice(&plain).ok()?;
    (posted.alias == alias && ctx.now <= posted.expires_at).then(|| Form::from_pairs(posted.fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_is_passed_on() {
        let known = |query: &str| known(&Form::parse_query(query).expect("a query")).print();
        assert_eq!(known("code=c&state=s&iss=i&error=e&answer=a"), "state=s&code=c&error=e&iss=i&answer=a");
        assert_eq!(known("csrf=x&code=c&answered_by=other&next=%2F&error_description=d"), "code=c");
        assert_eq!(known("state=a&state=b&state=c"), "state=a&state=b", "it stays repeated, which counts as missing");
    }
}
