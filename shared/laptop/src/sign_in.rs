//! Links that sign in a person of this computer's unit.

use records::{Label, Person, PersonId, PersonRole, SignInLink, TenantId};
use store::{Clock, Store};

use super::{Ports, tenants};

/// The tenant whose pages a laptop's links open.
const UNIT: &str = "unit";

/// A new link, at the address that other machines know where there is one. The person is the same on every
/// start, and has all roles of its unit.
///
/// # Errors
/// What could not be recorded.
pub(super) async fn link(store: &Store, clock: &Clock, ports: &Ports) -> anyhow::Result<String> {
    let (tenant, name) = (TenantId::parse(UNIT)?, Label::parse(review::NAMELESS)?);
    let (now, code) = (clock.now(), tenants::token()?);
    let person = Person {
        person_id: PersonId::of_name(&tenant, &name),
        tenant: tenant.clone(),
        name,
        roles: vec![
            PersonRole::Reviewer,
            PersonRole::Supervisor,
            PersonRole::Auditor,
        ],
        created_at: now,
    };
    store.tenants.make_person(&person).await?;
    let link = SignInLink {
        person_id: person.person_id,
        tenant,
        expires_at: now.plus(SignInLink::VALID),
    };
    store.tenants.put_sign_in_link(&code, &link).await?;
    let at = ports.public.as_ref().map_or(&ports.api, |it| &it.api);
    Ok(format!("{at}/in/{}", code.reveal()))
}
