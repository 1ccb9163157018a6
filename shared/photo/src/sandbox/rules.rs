/// Takes the limits of a child: elsewhere than on Unix there are none to take.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub(super) fn take(_: u64) -> Result<(), ()> {
    Err(())
}

/// Memory of the child in bytes: the program itself, and 20 bytes for each of 32 megapixels, the most
/// that a piece may have (two pictures of 16 bit samples at full colour, and what AV1 keeps of blocks). The
/// parent holds little meanwhile: the file, a canvas and the answer come to a third of this.
#[cfg(unix)]
const MEMORY_BYTES_MAX: u64 = 1 << 30;

/// Takes the limits of a child, for good; it may take so many seconds of a processor.
///
/// # Errors
/// If any of them cannot be taken.
#[cfg(unix)]
pub(super) fn take(processor_s: u64) -> Result<(), ()> {
    use rustix::process::{Resource, Rlimit, setrlimit};

    let limits = [
        (Resource::As, MEMORY_BYTES_MAX),
        (Resource::Cpu, processor_s),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, 0), // what is open stays so
    ];
    for (resource, most) in limits {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, limit).map_err(drop)?;
    }
    #[cfg(target_os = "linux")]
    give_up_system_calls().map_err(drop)?;
    Ok(())
}

/// Leaves what decoding takes: pipes, memory, locks, the clock, and the end.
#[cfg(target_os = "linux")]
fn give_up_system_calls() -> Result<(), seccompiler::Error> {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

    let plain = [
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_brk,
        libc::SYS_madvise,
        libc::SYS_futex,
        libc::SYS_clock_gettime,
        libc::SYS_getrandom,
        libc::SYS_sched_yield,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    let mut rules: std::collections::BTreeMap<_, _> =
        plain.into_iter().map(|call| (call, Vec::new())).collect();
    rules.insert(libc::SYS_mmap, vec![memory_alone()?]);
    rules.insert(libc::SYS_mprotect, vec![not_to_be_run(2)?]);
    let architecture = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::KillProcess,
        SeccompAction::Allow,
        architecture,
    )?;
    let program = BpfProgram::try_from(filter)?;
    seccompiler::apply_filter_all_threads(&program)
}

/// A mapping of memory, not of a file, and not to be run.
#[cfg(target_os = "linux")]
fn memory_alone() -> Result<seccompiler::SeccompRule, seccompiler::Error> {
    use seccompiler::{SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

    let anonymous = u64::try_from(libc::MAP_ANONYMOUS).expect("one bit");
    let run = u64::try_from(libc::PROT_EXEC).expect("one bit");
    let is = |argument, mask, value| {
        let bits = SeccompCmpOp::MaskedEq(mask);
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, bits, value)
    };
    Ok(SeccompRule::new(vec![
        is(2, run, 0)?,
        is(3, anonymous, anonymous)?,
    ])?)
}

#[cfg(target_os = "linux")]
fn not_to_be_run(argument: u8) -> Result<seccompiler::SeccompRule, seccompiler::Error> {
    use seccompiler::{SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

    let run = u64::try_from(libc::PROT_EXEC).expect("one bit");
    let bits = SeccompCmpOp::MaskedEq(run);
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, bits, 0)?;
    Ok(SeccompRule::new(vec![condition])?)
}
