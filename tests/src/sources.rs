//! What wakes functions, with the real rules of Lambda's event sources, as the template sets them:
//! queues that hide a message while it is worked on, streams that come again from their first
//! failure and are halved when a batch kills its function, timers.

pub mod queue;
pub mod stream;
pub mod timer;
