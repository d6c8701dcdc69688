"""A Slurm of one node on this machine's loopback: installed, started, stopped and removed again.

It needs root on a Debian. A machine that has a Slurm already is left alone: the tests refuse to run there.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

PACKAGES = ["slurm-wlm", "munge"]
CONFIGURATION = Path("/etc/slurm/slurm.conf")  # at its default place: jobs lose SLURM_CONF

SETTINGS = """\
ClusterName=skipstudytests
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmctldPort=26817
SlurmdPort=26818
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
KillWait=2
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=4000 State=UNKNOWN
PartitionName=tiny Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def _installed() -> set[str]:
    listed = subprocess.run(["dpkg-query", "-W", "-f", "${Package}\n"], capture_output=True, text=True, check=True)
    return set(listed.stdout.split())


def _apt(*arguments: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "-q", "-y", *arguments], env=environment, check=True, stdout=subprocess.DEVNULL)


def _install(cleaning: ExitStack) -> None:
    if shutil.which("slurmctld") and shutil.which("munged"):
        return
    before = _installed()
    _apt("update")
    _apt("install", "--no-install-recommends", *PACKAGES)
    new = sorted(_installed() - before)
    cleaning.callback(_apt, "purge", *new)


def _start(cleaning: ExitStack, *command: str) -> None:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop() -> None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    cleaning.callback(stop)


def _wait_for(*command: str, words: str) -> None:
    deadline = time.monotonic() + 60
    while words not in (said := subprocess.run(command, capture_output=True, text=True, check=False)).stdout:
        assert time.monotonic() < deadline, f"{' '.join(command)}: {said.stdout}{said.stderr}"
        time.sleep(0.5)


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Slurm that takes jobs."""
    assert os.geteuid() == 0, "make test-slurm installs and starts a Slurm: run it as root, in a container for one"
    assert not CONFIGURATION.exists(), f"{CONFIGURATION}: this machine has a Slurm; run these tests elsewhere"
    with ExitStack() as cleaning:
        _install(cleaning)
        folder = tmp_path_factory.mktemp("slurm")
        for name in ("state", "spool"):
            (folder / name).mkdir()
        for place in ("/run/munge", "/var/log/munge", "/var/lib/munge"):
            Path(place).mkdir(exist_ok=True)
            shutil.chown(place, "munge", "munge")
        Path("/run/munge").chmod(0o755)
        host = socket.gethostname().split(".")[0]
        cpus = len(os.sched_getaffinity(0))
        CONFIGURATION.parent.mkdir(exist_ok=True)
        CONFIGURATION.write_text(SETTINGS.format(host=host, folder=folder, cpus=cpus))
        cleaning.callback(CONFIGURATION.unlink)
        if subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode:
            _start(cleaning, "runuser", "-u", "munge", "--", "munged", "--foreground")
            _wait_for("munge", "-n", words="MUNGE:")
        _start(cleaning, "slurmctld", "-D")
        _start(cleaning, "slurmd", "-D", "-N", host)
        _wait_for("sinfo", "-h", "-o", "%T", words="idle")
        yield
        subprocess.run(["scancel", "--user", "root"], check=False)
