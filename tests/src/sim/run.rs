//! One run of a seed: the scenario, all tasks at work, and the verdict at the end.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use records::Timestamp;

use super::call::Call;
use super::cluster::{Cluster, ClusterConfig};
use super::connection::{Fault, Injection};
use super::feed::{Changes, EventQueue};
use super::injected_bug::InjectedBug;
use super::receiver::{Arrived, CaseSystem};
use super::rng::Rng;
use super::script::Script;
use super::snapshot::{self, Snapshot};
use super::tasks::Tasks;
use super::time::Time;
use super::{actors, oracle, workers};

/// From here on nothing goes wrong any more, in virtual time.
pub const CALM_US: u64 = 60_000_000;

/// A withdrawal that was acknowledged.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    /// Of this reference.
    pub reference: String,
    /// When.
    pub at_us: u64,
    /// The leads (by their images) that the reference had then.
    pub leads: BTreeSet<String>,
}

/// What all tasks of a run share.
pub(super) struct Run {
    pub(super) cluster: Arc<Cluster>,
    pub(super) rng: Rng,
    pub(super) bug: Option<InjectedBug>,
    pub(super) script: Script,
    pub(super) ads: EventQueue,
    pub(super) references: EventQueue,
    pub(super) ads_tail: Changes,
    pub(super) ads_table: Changes,
    pub(super) references_tail: Changes,
    pub(super) searches: Changes,
    pub(super) leads: Changes,
    pub(super) acknowledged: RefCell<Vec<Acknowledged>>,
    /// Parts of the scenario that have not been played yet.
    pub(super) script_parts_left: Cell<usize>,
    pub(super) is_over: Cell<bool>,
    pub(super) is_exhausted: Cell<bool>,
    snapshot: RefCell<Option<(Snapshot, Duration)>>,
    /// What is left of ads after the end of all of them.
    pub(super) remains: RefCell<Vec<String>>,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// What went wrong, as text; empty if all is well.
    pub faults_found: Vec<String>,
    /// The whole run as one number.
    pub trace: u64,
    /// Calls that were made.
    pub calls: u64,
    /// Leads at the end.
    pub leads: usize,
    /// Virtual time that went by.
    pub lasted: Duration,
    /// The trace as text, if they were kept.
    pub text: Vec<String>,
}

/// Runs a seed.
pub fn run(seed: u64, bug: Option<InjectedBug>, keeps_text: bool) -> Report {
    let rng = Rng::new(seed);
    let time = Time::default();
    let script = Script::draw(rng);
    let plan = ClusterConfig {
        seed,
        folder: None,
        time: time.clone(),
        injections: injections(rng, &time, script.clone()),
        bug,
        retries: RetryConfig::disabled(),
        keeps_text,
        ads_kept: script.kept,
    };
    let mood = rng.of("case system", 0);
    let cluster = Cluster::new(plan, |time| CaseSystem::moody(time, mood, CALM_US));
    let run = Rc::new(Run::new(cluster, rng, bug, script));
    let mut tasks = Tasks::default();
    workers::add(&mut tasks, &run);
    actors::add(&mut tasks, &run);
    tasks.run(run.cluster.time());
    run.report()
}

/// A run's own frequency of faults, and the faults themselves.
fn injections(
    rng: Rng,
    time: &Time,
    script: Script,
) -> Box<dyn Fn(&Call) -> Injection + Send + Sync> {
    const FAULTS: [Fault; 6] = [
        Fault::BeforeEffect,
        Fault::AfterEffect,
        Fault::Throttled,
        Fault::Conflict,
        Fault::CrashBefore,
        Fault::CrashAfter,
    ];
    let time = time.clone();
    let one_in = 8 << rng.of("frequency", 0).below(5);
    Box::new(move |call| {
        if call.actor == "faultless" {
            return Injection::default();
        }
        let mut rng = rng.of("fate", call.key());
        let is_slow = rng.one_in(60);
        let most_us = if is_slow { 3_000_000 } else { 40_000 };
        let mut delay = || Duration::from_micros(1 + rng.below(most_us));
        let (before, after) = (delay(), delay());
        let now = Duration::from_micros(time.now_us());
        let strikes = !script.is_calm(now) && rng.one_in(one_in);
        let fault = match strikes {
            true => FAULTS[rng.below(FAULTS.len() as u64) as usize],
            false => Fault::None,
        };
        Injection {
            delay_before: before,
            delay_after: after,
            fault,
        }
    })
}

impl Run {
    fn new(cluster: Cluster, rng: Rng, bug: Option<InjectedBug>, script: Script) -> Self {
        Self {
            cluster: Arc::new(cluster),
            rng,
            bug,
            script,
            ads: EventQueue::default(),
            references: EventQueue::default(),
            ads_tail: Changes::of("homeward-ads-tail", 2),
            ads_table: Changes::of("homeward-ads", 1),
            references_tail: Changes::of("homeward-references-tail", 1),
            searches: Changes::of("homeward-searches", 1),
            leads: Changes::of("homeward-leads", 1),
            acknowledged: RefCell::default(),
            script_parts_left: Cell::new(0),
            is_over: Cell::new(false),
            is_exhausted: Cell::new(false),
            snapshot: RefCell::default(),
            remains: RefCell::default(),
        }
    }

    pub(super) fn time(&self) -> &Time {
        self.cluster.time()
    }

    /// When the run began.
    pub(super) fn began(&self) -> Timestamp {
        Time::default().now()
    }

    /// Since the run began.
    pub(super) fn now(&self) -> Duration {
        Duration::from_micros(self.time().now_us())
    }

    pub(super) fn is_calm(&self) -> bool {
        self.script.is_calm(self.now())
    }

    /// Ends the run with what the cluster held, and when.
    pub(super) fn end(&self, snapshot: (Snapshot, Duration), is_exhausted: bool) {
        *self.snapshot.borrow_mut() = Some(snapshot);
        self.is_exhausted.set(is_exhausted);
        self.is_over.set(true);
    }

    /// Everything that the case system got.
    pub(super) fn arrived(&self) -> Vec<Arrived> {
        self.cluster.case_system.arrived()
    }

    fn report(&self) -> Report {
        let (snapshot, at) = self.snapshot.take().unwrap_or_default();
        let mut faults_found = oracle::judge(
            &self.script,
            (&snapshot, at),
            &self.arrived(),
            &self.acknowledged.borrow(),
        );
        faults_found.append(&mut self.remains.borrow_mut());
        if self.is_exhausted.get() {
            faults_found.push("it never came to rest".to_owned());
        }
        let trace = &self.cluster.network.trace;
        Report {
            faults_found,
            trace: trace.hash(),
            calls: trace.calls(),
            leads: snapshot.leads.len(),
            lasted: Duration::from_micros(self.time().now_us()),
            text: trace.lines(),
        }
    }
}

/// Everything that a cluster holds, over a connection without faults.
pub(super) async fn snapshot_of(run: &Run) -> Snapshot {
    let store = run.cluster.store(&run.cluster.connection("faultless"));
    snapshot::take(&store, &run.arrived()).await
}
