//! What can be proved of the house as it lies there: who links what, and the deployment's template held
//! against the code.

mod dependencies;
mod sources;
mod targets;
mod template;
mod walls;
