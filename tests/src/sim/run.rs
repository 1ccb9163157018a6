//! One run of a seed: the story, everybody at work, and the judgement at the end.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;

use super::call::Call;
use super::crew::Crew;
use super::dice::Dice;
use super::feed::{Changes, Mailbox};
use super::holdings::{self, Holdings};
use super::house::{House, Plan};
use super::line::{Fate, Fault};
use super::plant::Plant;
use super::receiver::{Arrived, CaseSystem};
use super::script::Script;
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

/// What everybody in a run shares.
pub(super) struct Run {
    pub(super) house: Arc<House>,
    pub(super) dice: Dice,
    pub(super) plant: Option<Plant>,
    pub(super) script: Script,
    pub(super) ads: Mailbox,
    pub(super) references: Mailbox,
    pub(super) ads_tail: Changes,
    pub(super) ads_table: Changes,
    pub(super) references_tail: Changes,
    pub(super) searches: Changes,
    pub(super) leads: Changes,
    pub(super) acknowledged: RefCell<Vec<Acknowledged>>,
    /// Parts of the story that are not told yet.
    pub(super) to_be_told: Cell<usize>,
    pub(super) is_over: Cell<bool>,
    pub(super) is_exhausted: Cell<bool>,
    holdings: RefCell<Option<Holdings>>,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// What went wrong, in words; empty if all is well.
    pub faults_found: Vec<String>,
    /// The whole run as one number.
    pub trace: u64,
    /// Calls that were made.
    pub calls: u64,
    /// Leads at the end.
    pub leads: usize,
    /// Virtual time that went by.
    pub lasted: Duration,
    /// The trace in words, if they were kept.
    pub words: Vec<String>,
}

/// Runs a seed.
pub fn run(seed: u64, plant: Option<Plant>, keeps_words: bool) -> Report {
    let dice = Dice::new(seed);
    let time = Time::default();
    let plan = Plan {
        seed,
        folder: None,
        time: time.clone(),
        fates: fates(dice, &time),
        plant,
        retries: RetryConfig::disabled(),
        keeps_words,
    };
    let mood = dice.of("case system", 0);
    let house = House::new(plan, |time| CaseSystem::moody(time, mood, CALM_US));
    let run = Rc::new(Run::new(house, dice, plant));
    let mut crew = Crew::default();
    workers::add(&mut crew, &run);
    actors::add(&mut crew, &run);
    crew.run(run.house.time());
    run.report()
}

/// A run's own frequency of faults, and the faults themselves.
fn fates(dice: Dice, time: &Time) -> Box<dyn Fn(&Call) -> Fate + Send + Sync> {
    const FAULTS: [Fault; 6] = [
        Fault::BeforeEffect,
        Fault::AfterEffect,
        Fault::Throttled,
        Fault::Conflict,
        Fault::CrashBefore,
        Fault::CrashAfter,
    ];
    let time = time.clone();
    let one_in = 8 << dice.of("frequency", 0).below(5);
    Box::new(move |call| {
        if call.actor == "faultless" {
            return Fate::default();
        }
        let mut dice = dice.of("fate", call.key());
        let is_slow = dice.one_in(60);
        let most_us = if is_slow { 3_000_000 } else { 40_000 };
        let mut delay = || Duration::from_micros(1 + dice.below(most_us));
        let (before, after) = (delay(), delay());
        let strikes = time.now_us() < CALM_US && dice.one_in(one_in);
        let fault = match strikes {
            true => FAULTS[dice.below(FAULTS.len() as u64) as usize],
            false => Fault::None,
        };
        Fate {
            before,
            after,
            fault,
        }
    })
}

impl Run {
    fn new(house: House, dice: Dice, plant: Option<Plant>) -> Self {
        Self {
            house: Arc::new(house),
            dice,
            plant,
            script: Script::draw(dice),
            ads: Mailbox::default(),
            references: Mailbox::default(),
            ads_tail: Changes::of("homeward-ads-tail", 2),
            ads_table: Changes::of("homeward-ads", 1),
            references_tail: Changes::of("homeward-references-tail", 1),
            searches: Changes::of("homeward-searches", 1),
            leads: Changes::of("homeward-leads", 1),
            acknowledged: RefCell::default(),
            to_be_told: Cell::new(0),
            is_over: Cell::new(false),
            is_exhausted: Cell::new(false),
            holdings: RefCell::default(),
        }
    }

    pub(super) fn time(&self) -> &Time {
        self.house.time()
    }

    pub(super) fn is_calm(&self) -> bool {
        self.time().now_us() >= CALM_US
    }

    /// Ends the run with what the house holds.
    pub(super) fn end(&self, holdings: Holdings, is_exhausted: bool) {
        *self.holdings.borrow_mut() = Some(holdings);
        self.is_exhausted.set(is_exhausted);
        self.is_over.set(true);
    }

    /// Everything that the case system got.
    pub(super) fn arrived(&self) -> Vec<Arrived> {
        self.house.case_system.arrived()
    }

    fn report(&self) -> Report {
        let holdings = self.holdings.take().unwrap_or_default();
        let mut faults_found = oracle::judge(
            &self.script,
            &holdings,
            &self.arrived(),
            &self.acknowledged.borrow(),
        );
        if self.is_exhausted.get() {
            faults_found.push("it never came to rest".to_owned());
        }
        let trace = &self.house.exchange.trace;
        Report {
            faults_found,
            trace: trace.hash(),
            calls: trace.calls(),
            leads: holdings.leads.len(),
            lasted: Duration::from_micros(self.time().now_us()),
            words: trace.lines(),
        }
    }
}

/// Everything that a house holds, by a line without faults.
pub(super) async fn look(run: &Run) -> Holdings {
    let store = run.house.store(&run.house.line("faultless"));
    holdings::look(&store, &run.arrived()).await
}
