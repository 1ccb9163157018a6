//! The whole cluster on one thread, in virtual time, over a way to the servers that has every fault
//! of the way to the cloud. The programs are the real ones; the network, the clock and chance are
//! the simulator's. A seed repeats a run, call by call.

mod actors;
mod call;
pub mod cluster;
mod connection;
mod ends;
mod feed;
pub mod generator;
mod injected_bug;
mod oracle;
mod picture;
mod pump;
mod receiver;
mod rng;
mod run;
mod script;
mod servers;
pub mod snapshot;
mod tasks;
mod time;
mod trace;
mod unit;
mod workers;

pub use call::Call;
pub use cluster::{Cluster, ClusterConfig};
pub use connection::{Fault, Injection};
pub use injected_bug::InjectedBug;
pub use picture::{bmp, rubbish};
pub use pump::Pump;
pub use receiver::{Arrived, CaseSystem, Reception};
pub use rng::Rng;
pub use run::{Acknowledged, Report, run};
pub use script::{forged_list, list, tar};
pub use tasks::Tasks;
pub use time::Time;
