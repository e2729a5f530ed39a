//! A run in a control group whose memory another process uses up: peers stop to arrive, and the report is written.

use meshload::summary::Verdict;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use support::program;
use support::watched::Watched;

/// The limit of the group, in bytes.
const LIMIT: u64 = 192 << 20;

/// The share of `LIMIT` that the other process takes. A run has 15 MiB of its own: together more than 90 %, and less than all.
const TAKEN: u64 = LIMIT / 100 * 87;

/// A memory control group of version 1 or 2 (cgroups(7)); dropped when its processes have ended.
struct MemoryGroup(PathBuf);

impl MemoryGroup {
    /// `None` if this user may make none.
    fn new() -> Option<Self> {
        let root = Path::new("/sys/fs/cgroup");
        let is_v1 = root.join("memory").is_dir();
        let (parent, limit) =
            if is_v1 { (root.join("memory"), "memory.limit_in_bytes") } else { (root.to_owned(), "memory.max") };
        let path = parent.join(format!("meshload-test-{}", std::process::id()));
        fs::create_dir(&path).ok()?;
        let group = Self(path);
        fs::write(group.0.join(limit), LIMIT.to_string()).ok()?;
        Some(group)
    }

    /// A command that runs in the group the program and the arguments that follow.
    fn command(&self) -> Command {
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("echo $$ > {}/cgroup.procs; exec \"$0\" \"$@\"", self.0.display())]);
        shell
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        // Fails only after a panic, while a process is still in it.
        let _ = fs::remove_dir(&self.0);
    }
}

/// A process of the group that holds `TAKEN` bytes until its input ends.
struct Hog(Child);

impl Hog {
    fn start(group: &MemoryGroup) -> Self {
        // `tail` keeps all that it read until it may write, and nobody reads.
        let script = format!("exec 3<&0; head -c {TAKEN} /dev/zero | tail -c {TAKEN} | (read -r _ <&3)");
        Self(group.command().args(["bash", "-c", &script]).stdin(Stdio::piped()).spawn().unwrap())
    }

    fn end(mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

#[test]
fn peers_stop_to_arrive_when_the_memory_of_the_group_is_nearly_used_and_the_report_is_written() {
    let Some(group) = MemoryGroup::new() else {
        eprintln!("not tested: this user may make no memory control group");
        return;
    };
    let profile =
        "[rooms]\ncount = 50\nsize = 2\n[arrivals]\nrate = \"6/s\"\n[phases]\nsteady = \"0s\"\ndrain = \"1s\"\n";
    let mut command = group.command();
    command.arg(program());
    let mut run = Watched::start_by(command, profile, &[]);
    run.until(&["ramp"]);
    let hog = Hog::start(&group);
    let (summary, _) = run.end();
    hog.end();

    assert_eq!(summary.validity.verdict, Verdict::Invalid, "{:#?}", summary.validity);
    let limits = summary.failures.iter().filter(|row| (&*row.reason, &*row.detail) == ("generator_limit", "memory"));
    let (joined, refused) = (summary.counts.peers.joined, limits.map(|row| row.peers).sum::<u64>());
    assert!(joined > 0 && refused > 0, "{joined} joined, {refused} did not arrive: {:#?}", summary.failures);
}
