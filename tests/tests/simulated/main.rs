//! What is proved in virtual time, within one process: the protocol's model, seeds of the simulator, and
//! every call to the cloud failing once.

mod model;
mod nth_call;
mod simulator;
