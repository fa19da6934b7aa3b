//! Checks of every rendered page of the portal in every state.

use std::collections::BTreeSet;

use vestibule_domain::operator::Role;
use vestibule_web::document::check_document;

use crate::{
    frame::PortalContext,
    notice::PortalNotice,
    sample::{PortalSample, portal_sample_context, portal_samples},
};

#[test]
fn every_page_state_keeps_the_rules_for_every_role() {
    let samples = portal_samples();
    let names: BTreeSet<&str> = samples.iter().map(|sample| sample.name.as_str()).collect();
    assert_eq!(names.len(), samples.len(), "sample names are unique");
    for role in Role::ALL {
        let mut ctx = portal_sample_context();
        if let Some(project) = &mut ctx.project {
            project.role = role;
        }
        for PortalSample { name, page } in &samples {
            check_document(&page.render(&ctx), &format!("{name} for {}", role.as_str()));
        }
        for notice in PortalNotice::ALL {
            ctx.notice = Some(notice);
            check_document(&samples[0].page.render(&ctx), notice.code());
        }
    }
    let signed_out = PortalContext { csrf: "sample-csrf-token".into(), ..PortalContext::default() };
    check_document(&samples[0].page.render(&signed_out), "nobody");
}
