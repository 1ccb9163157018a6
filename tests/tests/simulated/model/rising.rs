//! One lead and the evidence that comes for it: who claims and who computes race in every order, come
//! again and die between any two calls, while the reference is withdrawn at any moment.
//!
//! A program reads the lead and then writes it in one transaction with its alert, on the condition
//! that lead and reference stand as they were read (`shared/store/src/leads_better.rs`).

use stateright::{Model, Property};

/// What the protocol could do wrong. Each must be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A pair that has its lead already is left as it is.
    FirstStays,
    /// The last evidence stands, whatever it is.
    LastStays,
    /// A lead is raised whatever became of it since it was read.
    WithoutCondition,
    /// A lead is raised without the check that its reference is active.
    WithoutCheck,
}

pub const FROZEN: &str = "a lead has the best evidence that came";
pub const SUNK: &str = "a lead never sinks";
pub const ONCE: &str = "a lead of alert level is alerted once";
pub const LATE: &str = "nothing is told after a withdrawal";
const CAN_RISE: &str = "a lead can rise";

/// How good evidence is: for review or sure, claimed or computed.
type Rank = (bool, bool);

/// What comes: an uploader's claim, another's, and the picture itself.
const EVIDENCE: [Rank; 3] = [(false, false), (true, false), (true, true)];

/// A program with one piece of evidence: what it read of the lead, if it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Program {
    #[default]
    Idle,
    Read(Option<Rank>),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    lead: Option<Rank>,
    alerts: u8,
    programs: [Program; EVIDENCE.len()],
    /// Evidence that was dealt with; it may come again.
    done: [bool; EVIDENCE.len()],
    is_withdrawn: bool,
    has_sunk: bool,
    is_told_late: bool,
    has_risen: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Read(usize),
    Write(usize),
    Crash(usize),
    Withdraw,
}

/// The protocol, right or with one fault.
#[derive(Clone, Copy, Debug)]
pub struct Rising(pub Option<Fault>);

impl Rising {
    fn write(self, state: &mut State, place: usize) {
        let Program::Read(seen) = state.programs[place] else {
            return;
        };
        state.programs[place] = Program::Idle;
        if state.is_withdrawn && self.0 != Some(Fault::WithoutCheck) {
            state.done[place] = true;
            return;
        }
        let evidence = EVIDENCE[place];
        let is_better = match self.0 {
            Some(Fault::FirstStays) => seen.is_none(),
            Some(Fault::LastStays) => seen != Some(evidence),
            _ => seen.is_none_or(|known| evidence > known),
        };
        if !is_better {
            state.done[place] = true;
            return;
        }
        if state.lead != seen && self.0 != Some(Fault::WithoutCondition) {
            return; // refused: it comes again
        }
        let is_alerted = evidence.0 && !seen.is_some_and(|known| known.0);
        state.has_sunk |= state.lead.is_some_and(|known| evidence < known);
        state.has_risen |= state.lead.is_some();
        state.lead = Some(evidence);
        state.alerts = (state.alerts + u8::from(is_alerted)).min(2);
        state.is_told_late |= is_alerted && state.is_withdrawn;
        state.done[place] = true;
    }
}

impl Model for Rising {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (place, program) in state.programs.iter().enumerate() {
            match program {
                Program::Idle => actions.push(Action::Read(place)),
                Program::Read(_) => actions.extend([Action::Write(place), Action::Crash(place)]),
            }
        }
        if !state.is_withdrawn {
            actions.push(Action::Withdraw);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match action {
            Action::Read(place) => state.programs[place] = Program::Read(state.lead),
            Action::Write(place) => self.write(&mut state, place),
            Action::Crash(place) => state.programs[place] = Program::Idle,
            Action::Withdraw => state.is_withdrawn = true,
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(FROZEN, |_, state: &State| {
                let is_over = state.done.iter().all(|done| *done) && !state.is_withdrawn;
                !is_over || state.lead == EVIDENCE.iter().copied().max()
            }),
            Property::always(SUNK, |_, state: &State| !state.has_sunk),
            Property::always(ONCE, |_, state: &State| {
                let is_sure = state.lead.is_some_and(|lead| lead.0);
                state.alerts == u8::from(is_sure)
            }),
            Property::always(LATE, |_, state: &State| !state.is_told_late),
            Property::sometimes(CAN_RISE, |_, state: &State| state.has_risen),
        ]
    }
}
