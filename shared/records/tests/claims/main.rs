//! Every shape that is stored or sent, claim by claim.

mod audit;
mod hostile;
mod receipts;
mod shapes;
