//! The whole house on one thread, in virtual time, over a way to the servers that has every fault
//! of the way to the cloud. The programs are the real ones; the network, the clock and chance are
//! the simulator's. A seed repeats a run, call by call.

mod actors;
mod call;
mod crew;
mod dice;
mod feed;
pub mod generator;
pub mod holdings;
pub mod house;
mod line;
mod oracle;
mod picture;
mod plant;
mod pump;
mod receiver;
mod run;
mod script;
mod servers;
mod time;
mod trace;
mod unit;
mod workers;

pub use call::Call;
pub use crew::Crew;
pub use dice::Dice;
pub use house::{House, Plan};
pub use line::{Fate, Fault};
pub use picture::{bmp, rubbish};
pub use plant::Plant;
pub use pump::Pump;
pub use receiver::{Arrived, CaseSystem, Reception};
pub use run::{Acknowledged, Report, run};
pub use script::{forged_list, list, tar};
pub use time::Time;
