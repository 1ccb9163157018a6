//! The child that decodes, as a program of its own, since a test has no `main` to start it by; and
//! what tests have it try that it must not do.

use std::process::Command;

fn main() {
    photo::sandbox::init();
    let tried = std::env::args().nth(1).unwrap_or_default();
    if let Err(why) = photo::sandbox::confine() {
        panic!("{why}");
    }
    let done = match tried.as_str() {
        "open" => std::fs::File::open("/proc/self/environ").is_ok(),
        "connect" => std::net::UdpSocket::bind("127.0.0.1:0").is_ok(),
        "start" => Command::new("/bin/true").spawn().is_ok(),
        "write" => std::fs::write("/tmp/photo-decoder", "x").is_ok(),
        "memory" => Vec::<u8>::new().try_reserve_exact(2 << 30).is_ok(),
        _ => false,
    };
    std::process::exit(if done { 0 } else { 2 });
}
