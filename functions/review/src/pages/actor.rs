//! In whose name something is done: the unit's, by its token or by a person of it.

use records::{AuditAction, Label, PersonId, Role, TenantId};

use crate::problem::Answer;
use crate::{Shared, store_errors};

/// A unit, and the person who acts for it if that is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Actor<'a> {
    pub(crate) unit: &'a TenantId,
    pub(crate) person: Option<&'a PersonId>,
}

impl Shared {
    /// Writes into a unit's audit log what was done and by whom.
    pub(crate) async fn audit_actor(
        &self,
        actor: Actor<'_>,
        action: AuditAction,
        subject: Option<&str>,
    ) -> Answer<()> {
        self.audit_part(actor, action, (subject, None)).await
    }

    /// As [`Self::audit_actor`], with the part of the subject that it was about.
    pub(crate) async fn audit_part(
        &self,
        actor: Actor<'_>,
        action: AuditAction,
        (subject, what): (Option<&str>, Option<&str>),
    ) -> Answer<()> {
        let label = |text: Option<&str>| text.and_then(|text| Label::parse(text).ok());
        let key = self.audit_key().await?;
        let entry = self.store.audit.audit_by(
            key,
            (actor.unit, actor.person),
            self.clock.now(),
            (Some(Role::Unit), action),
            (label(subject), label(what)),
        );
        entry.await.map(drop).map_err(store_errors::problem)
    }
}
