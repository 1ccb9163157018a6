//! What can be proved of the sources as they are: who links what, and the deployment's template checked
//! against the code.

mod dependencies;
mod results;
mod sources;
mod targets;
mod template;
mod walls;
mod webhooks;
