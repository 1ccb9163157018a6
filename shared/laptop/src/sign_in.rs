//! Links that sign in a person of this computer's unit.

use records::{Label, Person, PersonId, PersonRole, SignInLink, TenantId};
use store::{Clock, Store};

use super::{Ports, tenants};

/// The tenant whose pages a laptop's links open.
const UNIT: &str = "unit";

/// The person at this computer: the same on every start, and with all roles of its unit.
pub(super) fn person_here() -> anyhow::Result<(Label, Vec<PersonRole>)> {
    Ok((Label::parse(review::NAMELESS)?, PersonRole::ALL.into()))
}

/// A new link for a person of this name, who may do what these roles do; at the address that other machines know
/// where there is one.
///
/// # Errors
/// What could not be recorded.
pub(super) async fn link(
    store: &Store,
    clock: &Clock,
    ports: &Ports,
    (name, roles): (Label, Vec<PersonRole>),
) -> anyhow::Result<String> {
    let tenant = TenantId::parse(UNIT)?;
    let (now, code) = (clock.now(), tenants::token()?);
    let person = Person {
        person_id: PersonId::of_name(&tenant, &name),
        tenant: tenant.clone(),
        name,
        roles,
        created_at: now,
    };
    // Its roles are as they are asked for now; its name as the person last gave it.
    if !store.tenants.make_person(&person).await?
        && let Some(known) = store.tenants.person(&tenant, &person.person_id).await?
    {
        let roles = person.roles.clone();
        store.tenants.put_person(&Person { roles, ..known }).await?;
    }
    let link = SignInLink {
        person_id: person.person_id,
        tenant,
        expires_at: now.plus(SignInLink::VALID),
    };
    store.tenants.put_sign_in_link(&code, &link).await?;
    let at = ports.public.as_ref().map_or(&ports.api, |it| &it.api);
    Ok(format!("{at}/in/{}", code.reveal()))
}
