//! Waiting until every upload is recorded or rejected.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::journal::{Journal, Taken};
use super::plan::{Planned, UploadPlan};
use super::report::Waited;
use super::server::{Server, State};
use console::outcome::{Failure, Result};
use console::terminal::print;

/// Between looks at least and at most so much time passes.
const POLL_MIN: Duration = Duration::from_secs(1);
const POLL_MAX: Duration = Duration::from_secs(15);

/// A listing of a hundred thousand uploads is a thousand requests: of the time, looking takes at most
/// this part.
const POLLING_SHARE: u32 = 5;

/// Longer than a message rests between attempts in the cloud (six minutes), twice.
const STANDSTILL_MAX: Duration = Duration::from_secs(15 * 60);

/// Why an upload was rejected that may well be taken in on another day.
pub const OVER_QUOTA: &str = "over_quota";

/// The longest text that a listing takes to go on from the tenant's prefix, in bytes.
const BELOW_BYTES_MAX: usize = 900;

/// Waits for the uploads of this plan, earlier ones included.
///
/// # Errors
/// As the server's, and ours if nothing moves for a quarter of an hour.
pub async fn until_settled(
    server: &Server,
    plan: &UploadPlan,
    journal: &Journal,
) -> Result<Waited> {
    let wanted = Wanted::of(plan, journal);
    let below = wanted.below(journal.key_prefix());
    let (mut moved, mut pending_before) = (Instant::now(), u64::MAX);
    let mut pace = Pace::default();
    loop {
        let began = Instant::now();
        let mut waited = wanted.judge(&server.states(&below).await?);
        if waited.pending == 0 {
            waited.to_be_sent_again = wanted.over_quota(&waited);
            return Ok(waited);
        }
        if waited.pending != pending_before {
            print(format_args!("waiting for {} uploads ...", waited.pending));
            (moved, pending_before) = (Instant::now(), waited.pending);
        }
        if moved.elapsed() > STANDSTILL_MAX {
            let cause = anyhow::anyhow!("{} uploads are still pending", waited.pending);
            return Err(Failure::ours(cause).hint("ask the deployment's operator; nothing is lost"));
        }
        let wait = pace.wait(waited.pending, began.elapsed(), Instant::now());
        tokio::time::sleep(wait).await;
    }
}

/// When to look again.
#[derive(Default)]
struct Pace {
    /// When how many were pending at the look before, and how long the wait after it was.
    before: Option<(Instant, u64, Duration)>,
}

impl Pace {
    /// How long to wait now: half the time in which the rest will be done if it goes on as it went;
    /// ever longer where nothing moves.
    fn wait(&mut self, pending: u64, look: Duration, now: Instant) -> Duration {
        let wait = match self.before {
            None => POLL_MIN,
            Some((at, before, _)) if pending < before => {
                let share = pending as f64 / (before - pending) as f64;
                now.duration_since(at).mul_f64((share / 2.0).min(1e3))
            }
            Some((_, _, wait)) => wait * 2,
        };
        let wait = wait.clamp(
            POLL_MIN.max(look * POLLING_SHARE),
            POLL_MAX.max(look * POLLING_SHARE),
        );
        self.before = Some((now, pending, wait));
        wait
    }
}

/// The uploads that are waited for.
struct Wanted(Vec<One>);

/// One file, by the keys under which its state is told.
struct One {
    taken: Taken,
    key: String,
    /// Of the bundle or list that it came in.
    object: Option<String>,
}

impl Wanted {
    fn of(plan: &UploadPlan, journal: &Journal) -> Self {
        let prefix = journal.key_prefix();
        let sent = plan.files.iter().filter(|file| journal.has(&file.taken));
        let one = |file: &Planned| match journal.brought_by(&file.taken) {
            None => One {
                taken: file.taken.clone(),
                key: format!("{prefix}{}", file.taken.name),
                object: None,
            },
            Some(object) => One {
                taken: file.taken.clone(),
                key: format!("{prefix}{object}/{}", file.entry.name),
                object: Some(format!("{prefix}{object}")),
            },
        };
        Self(sent.map(one).collect())
    }

    /// The files of which something was over the tenant's quota.
    fn over_quota(&self, waited: &Waited) -> Vec<Taken> {
        let rejected = waited.rejected.iter();
        let over: BTreeSet<&str> = rejected
            .filter(|(_, reason)| reason == OVER_QUOTA)
            .map(|(key, _)| key.as_str())
            .collect();
        let is_over = |one: &&One| {
            let below = format!("{}/", one.key); // of an archive that was sent as it was
            let object = one.object.as_deref();
            over.contains(one.key.as_str())
                || object.is_some_and(|object| over.contains(object))
                || over
                    .range(below.as_str()..)
                    .next()
                    .is_some_and(|it| it.starts_with(&below))
        };
        self.0
            .iter()
            .filter(is_over)
            .map(|one| one.taken.clone())
            .collect()
    }

    /// What all keys have in common behind the tenant's prefix.
    fn below(&self, prefix: &str) -> String {
        // A bundle's key is what the keys of its members start with.
        let firsts = self
            .0
            .iter()
            .map(|one| one.object.as_ref().unwrap_or(&one.key));
        let keys = firsts.map(|key| key.strip_prefix(prefix).unwrap_or_default());
        let common = keys.reduce(|a, b| {
            let same = a.char_indices().zip(b.chars()).find(|((_, a), b)| a != b);
            let end = same.map_or(a.len().min(b.len()), |((at, _), _)| at);
            a.get(..end).unwrap_or_default()
        });
        let common = common.unwrap_or_default();
        common
            .get(..common.floor_char_boundary(BELOW_BYTES_MAX))
            .unwrap_or_default()
            .to_owned()
    }

    fn judge(&self, states: &[State]) -> Waited {
        let states: BTreeMap<&str, &State> = states
            .iter()
            .map(|state| (state.key.as_str(), state))
            .collect();
        let mut waited = Waited::default();
        for one in &self.0 {
            let own = states.get(one.key.as_str()).copied();
            let whole = one
                .object
                .as_ref()
                .and_then(|key| states.get(key.as_str()).copied());
            match (own, whole) {
                (Some(own), _) if own.is_bundle => of_archive(&mut waited, own, &states),
                (Some(own), _) => waited.count(own),
                (None, Some(list)) if list.is_list => one.of_list(&mut waited, list),
                (None, Some(whole)) if whole.state == "rejected" => waited.count(whole),
                (None, _) => waited.pending += 1,
            }
        }
        let lists: BTreeSet<&String> = self.0.iter().filter_map(|it| it.object.as_ref()).collect();
        let lists = lists.iter().filter_map(|key| states.get(key.as_str()));
        lists.for_each(|list| waited.take_back(list));
        waited.rejected.sort();
        waited.rejected.dedup();
        waited
    }
}

impl One {
    /// A line is settled with its list, which names those that it refused.
    fn of_list(&self, waited: &mut Waited, list: &State) {
        let name = self.key.strip_prefix(&format!("{}/", list.key));
        match name.and_then(|name| list.refused.get(name)) {
            Some(reason) => waited.rejected.push((self.key.clone(), reason.clone())),
            None => waited.recorded += 1,
        }
    }
}

/// An archive that was sent as it was: it is settled when its members are. So is a list, whose lines
/// are settled with it.
fn of_archive(waited: &mut Waited, archive: &State, states: &BTreeMap<&str, &State>) {
    waited.count(archive);
    for (name, reason) in &archive.refused {
        let key = format!("{}/{name}", archive.key);
        waited.rejected.push((key, reason.clone()));
    }
    if archive.refused_unnamed > 0 {
        let lines = (archive.key.clone(), archive.refused_unnamed);
        waited.unnamed.push(lines);
    }
    let below = format!("{}/", archive.key);
    let members = states
        .range(below.as_str()..)
        .take_while(|(key, _)| key.starts_with(&below))
        .map(|(_, member)| member);
    // A part that is done is none of its members, and tells of them only that they are there.
    let members = members.filter(|it| !it.is_bundle || it.state == "rejected");
    members.for_each(|member| waited.count(member));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_come_when_half_of_the_rest_is_done_and_rarely_where_nothing_moves() {
        let began = Instant::now();
        let at = |seconds: f64| began + Duration::from_secs_f64(seconds);
        let look = Duration::from_millis(10);
        let mut pace = Pace::default();
        let mut wait = |pending, seconds| pace.wait(pending, look, at(seconds)).as_secs_f64();
        assert_eq!(wait(1_000, 0.0), 1.0);
        assert_eq!(wait(900, 1.0), 4.5, "a hundred a second");
        assert_eq!(wait(450, 5.5), 2.25);
        assert_eq!(wait(10, 9.9), 1.0, "never more often");
        assert_eq!(wait(10, 11.0), 2.0);
        assert_eq!(wait(10, 13.0), 4.0);
        assert_eq!(wait(10, 27.0), 8.0);
        assert_eq!(wait(10, 40.0), 15.0, "nor more rarely");
        let slow = Duration::from_secs(5);
        assert_eq!(pace.wait(9, slow, at(60.0)), slow * POLLING_SHARE);
    }

    fn state(key: &str, state: &str, is_bundle: bool) -> State {
        State {
            key: key.to_owned(),
            state: state.to_owned(),
            reason: (state == "rejected").then(|| "truncated".to_owned()),
            is_bundle,
            is_list: false,
            refused: BTreeMap::new(),
            refused_unnamed: 0,
        }
    }

    fn wanted(keys: &[(&str, Option<&str>)]) -> Wanted {
        let one = |(key, object): &(&str, Option<&str>)| One {
            taken: Taken {
                name: (*key).to_owned(),
                sha256: [7; 32],
                size: 3,
            },
            key: (*key).to_owned(),
            object: object.map(str::to_owned),
        };
        Wanted(keys.iter().map(one).collect())
    }

    fn check(wanted: &Wanted, states: &[State], expected: (u64, u64, usize)) {
        let waited = wanted.judge(states);
        assert_eq!(
            (waited.recorded, waited.pending, waited.rejected.len()),
            expected
        );
    }

    #[test]
    fn a_file_is_settled_by_its_own_state_or_by_its_bundles_refusal() {
        let files = wanted(&[
            ("t/b/1", Some("t/b")),
            ("t/b/2", Some("t/b")),
            ("t/a", None),
        ]);
        check(&files, &[], (0, 3, 0));
        check(&files, &[state("t/b", "recorded", true)], (0, 3, 0));
        let some = [
            state("t/b/1", "recorded", false),
            state("t/a", "pending", false),
        ];
        check(&files, &some, (1, 2, 0));
        check(
            &files,
            &[
                state("t/b", "rejected", true),
                state("t/a", "recorded", false),
            ],
            (1, 0, 1),
        );
    }

    #[test]
    fn lines_of_a_list_are_settled_with_it_or_have_states_of_their_own() {
        let files = wanted(&[("t/l/1", Some("t/l")), ("t/l/2", Some("t/l"))]);
        let list = State {
            is_list: true,
            ..state("t/l", "recorded", true)
        };
        check(&files, std::slice::from_ref(&list), (2, 0, 0));
        let rejected = [list.clone(), state("t/l/2", "rejected", false)];
        check(&files, &rejected, (1, 0, 1));
        check(&files, &[state("t/l", "pending", false)], (0, 2, 0));
        let one = [("2".to_owned(), "too_small".to_owned())];
        let named = State {
            refused: BTreeMap::from(one),
            ..list.clone()
        };
        check(&files, &[named], (1, 0, 1));
        let unnamed = State {
            refused_unnamed: 2,
            ..list
        };
        check(&files, std::slice::from_ref(&unnamed), (0, 0, 0));
        assert_eq!(files.judge(&[unnamed]).unnamed, [("t/l".to_owned(), 2)]);
    }

    #[test]
    fn an_archive_is_settled_when_its_members_are() {
        let archive = wanted(&[("t/b.zip", None)]);
        let whole = state("t/b.zip", "recorded", true);
        check(&archive, std::slice::from_ref(&whole), (1, 0, 0));
        let member = state("t/b.zip/1", "pending", false);
        check(
            &archive,
            &[whole.clone(), member, state("t/b.zip2", "pending", false)],
            (1, 1, 0),
        );
        let part = state("t/b.zip//part-1", "pending", false);
        check(&archive, &[whole.clone(), part], (1, 1, 0));
        let part = state("t/b.zip//part-1", "recorded", true);
        let member = state("t/b.zip/1", "recorded", false);
        check(&archive, &[whole.clone(), part, member], (2, 0, 0));
        check(
            &archive,
            &[whole, state("t/b.zip//2", "rejected", false)],
            (1, 0, 1),
        );
    }

    #[test]
    fn what_was_over_the_quota_is_sent_again_and_nothing_else() {
        let files = [
            ("t/a", None),
            ("t/b", None),
            ("t/s.tar/1", Some("t/s.tar")),
            ("t/l.jsonl/1", Some("t/l.jsonl")),
            ("t/z.zip", None),
            ("t/z.zip2", None),
        ];
        let over = |key: &str, is_bundle| State {
            reason: Some(OVER_QUOTA.to_owned()),
            ..state(key, "rejected", is_bundle)
        };
        let states = [
            state("t/a", "rejected", false),
            over("t/b", false),
            over("t/s.tar", true),
            over("t/s.tar/1", false),
            over("t/l.jsonl", false),
            state("t/z.zip", "recorded", true),
            over("t/z.zip/1", false),
            state("t/z.zip2", "recorded", false),
        ];
        let wanted = wanted(&files);
        let again = wanted.over_quota(&wanted.judge(&states));
        let names: Vec<_> = again.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["t/b", "t/s.tar/1", "t/l.jsonl/1", "t/z.zip"]);
    }

    #[test]
    fn only_what_may_be_ours_is_listed() {
        let check = |keys: &[(&str, Option<&str>)], expected: &str| {
            assert_eq!(wanted(keys).below("t/"), expected);
        };
        check(&[("t/2026/a", None), ("t/2026/b", None)], "2026/");
        check(&[("t/2026/a", None), ("t/2026/ab", None)], "2026/a");
        check(&[("t/ä", None), ("t/ö", None)], "");
        let bundle = Some("t/b.tar");
        check(&[("t/b.tar/a", bundle), ("t/b.tar/b", bundle)], "b.tar");
        check(&[], "");
    }
}
