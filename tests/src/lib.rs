//! What the proofs share: the checkout's root, the peers' Python, and processes that never
//! outlive their test.
