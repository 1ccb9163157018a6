//! What `matching` must find, must not find, and at what cost, claim by claim.

mod agrees_with_the_oracle;
mod common_features;
mod drawn;
mod edit_names;
mod either_order;
mod hostile;
mod pages;
mod parts;
mod past;
mod turned_pictures;
