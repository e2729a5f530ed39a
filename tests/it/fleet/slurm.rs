//! The job that `manifest slurm` writes, on a real Slurm: a controller and two nodes, each under a name of its own.

use super::nats::{BusRun, Nats};
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use support::holds_within;
use support::network::{alone_as_root, is_own};
use support::serving::Serving;

/// Bounds every wait.
const PATIENCE: Duration = Duration::from_secs(60);

const PROFILE: &str =
    "name = \"job\"\n[rooms]\ncount = 4\nsize = 3\n[phases]\nsteady = \"100ms\"\n[validity]\non_invalid = \"warn\"\n";

/// The daemons of a cluster; they end when it is dropped.
struct Cluster(Vec<Child>);

#[test]
fn slurm_plays_the_job_of_the_manifest() {
    for program in ["munged", "slurmctld", "slurmd", "sbatch"] {
        if Command::new(program).arg("-V").output().is_err() {
            println!("skipped: {program} is not installed (apt install slurm-wlm)");
            return;
        }
    }
    // Slurm takes no port 0: it has a network of its own.
    if !is_own() {
        return alone_as_root("fleet::slurm::slurm_plays_the_job_of_the_manifest");
    }
    let Some(nats) = Nats::start_on(Ipv4Addr::LOCALHOST, "") else { return };
    let target = Serving::start(&[]);
    let run = BusRun::new(&nats, &target, "job");
    let folder = run.folder.path();
    let mut cluster = Cluster::start(folder);
    let is_ready = || told(folder, &["sinfo", "-h", "-o", "%D %T"]) == "2 idle";
    until(|| !cluster.is_alive() || is_ready());
    if !is_ready() {
        println!(
            "skipped: no node of this machine's Slurm gets ready:\n{}",
            told(folder, &["sh", "-c", "tail -n 20 *.log"])
        );
        return;
    }
    fs::write(folder.join("p.toml"), PROFILE).expect("a file");
    let args = ["manifest", "slurm", "p.toml", "--agents", "2", "--run", "job", "--target", &target.url];
    fs::write(folder.join("job.sh"), super::meshload(folder, &args).output().expect("it starts").stdout)
        .expect("a file");
    let submitted = command(folder, &["sbatch", "--parsable", "job.sh"]).env("MESHLOAD_BUS", run.bus()[1]).output();
    let job = text(submitted.expect("sbatch starts"));
    let state = || told(folder, &["scontrol", "show", "job", &job]);
    assert!(
        until(|| ["COMPLETED", "FAILED"].iter().any(|end| state().contains(&format!("JobState={end}")))),
        "{}",
        state()
    );
    let log = fs::read_to_string(folder.join(format!("slurm-{job}.out"))).unwrap_or_default();
    assert!(state().contains("ExitCode=0:0") && log.contains("12 of 12"), "{}\n{log}", state());
    for (slot, host) in ["n1", "n2"].iter().enumerate() {
        let row = format!("     {slot}  {host} ");
        assert!(log.contains(&row), "{row:?}\n{log}");
    }
    // The steps of the job end before their nodes.
    until(is_ready);
}

impl Cluster {
    fn start(folder: &Path) -> Self {
        let here = folder.display();
        let configuration = format!(
            "ClusterName=test\nSlurmctldHost=n0(127.0.0.1)\nSlurmctldPort=17001\nSlurmUser=root\nSlurmdUser=root\n\
             AuthType=auth/munge\nAuthInfo=socket={here}/munge.sock\nCredType=cred/munge\nStateSaveLocation={here}\n\
             SlurmdSpoolDir={here}/%n\nSlurmctldPidFile={here}/c.pid\nSlurmdPidFile={here}/%n.pid\n\
             SlurmctldLogFile={here}/c.log\nSlurmdLogFile={here}/%n.log\nProctrackType=proctrack/linuxproc\n\
             TaskPlugin=task/none\nMpiDefault=none\nReturnToService=2\nSelectType=select/cons_tres\n\
             SelectTypeParameters=CR_Core\nSwitchType=switch/none\n\
             NodeName=n1 NodeHostname=n1 NodeAddr=127.0.0.1 Port=17002 CPUs=1 RealMemory=64\n\
             NodeName=n2 NodeHostname=n2 NodeAddr=127.0.0.1 Port=17003 CPUs=1 RealMemory=64\n\
             PartitionName=all Nodes=ALL Default=YES State=UP\n"
        );
        fs::write(folder.join("slurm.conf"), configuration).expect("a file");
        fs::write(folder.join("munge.key"), [7; 64]).expect("a file");
        told(folder, &["chmod", "600", "munge.key"]);
        let path = |name: &str| format!("{here}/{name}");
        let munged = format!(
            "exec munged --force --foreground --socket={} --key-file={} --pid-file={} --log-file={} --seed-file={}",
            path("munge.sock"),
            path("munge.key"),
            path("munge.pid"),
            path("munge.log"),
            path("munge.seed")
        );
        let mut daemons = vec![munged, "hostname n0 && exec slurmctld -D".to_owned()];
        daemons.extend(["n1", "n2"].map(|node| format!("hostname {node} && mkdir {node} && exec slurmd -D")));
        let mut cluster = Self(vec![]);
        for daemon in daemons {
            let mut command = command(folder, &["unshare", "--uts", "sh", "-c", &daemon]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            cluster.0.push(command.spawn().expect("unshare starts"));
            // The others sign by munged.
            until(|| folder.join("munge.sock").exists());
        }
        cluster
    }

    fn is_alive(&mut self) -> bool {
        self.0.iter_mut().all(|daemon| daemon.try_wait().is_ok_and(|ended| ended.is_none()))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for daemon in self.0.iter_mut().rev() {
            // SIGTERM, so that they end their own children.
            let _ = Command::new("kill").arg(daemon.id().to_string()).status();
            if !until(|| !matches!(daemon.try_wait(), Ok(None))) {
                let _ = daemon.kill();
                let _ = daemon.wait();
            }
        }
    }
}

/// A command of Slurm's, with `meshload` on its path.
fn command(folder: &Path, words: &[&str]) -> Command {
    let own = Path::new(env!("CARGO_BIN_EXE_meshload")).parent().expect("a folder").display().to_string();
    let path = format!("{own}:{}", std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir(folder).env_clear().env("PATH", path);
    command.env("SLURM_CONF", folder.join("slurm.conf"));
    command
}

fn told(folder: &Path, words: &[&str]) -> String {
    text(command(folder, words).output().expect("it starts"))
}

fn text(output: Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn until(holds: impl FnMut() -> bool) -> bool {
    holds_within(PATIENCE, holds)
}
