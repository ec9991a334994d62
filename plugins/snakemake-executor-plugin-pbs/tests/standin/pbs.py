"""Stand-in for PBS: what its commands print and how they end is what OpenPBS 23.06 was seen to do.

``bin/`` holds the commands, to be put first on PATH. State lives in the folder that the variable
``PBS_STANDIN`` names; `Server` prepares it for a test and reads what happened. Each job is run by a
process of its own, which waits for a free slot and enforces the walltime: there is no server.
"""

import fcntl
import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

HOST = "datarmor0"
BIN = Path(__file__).parent / "bin"

#: Queues as on Datarmor, and the most cores of one job in each.
QUEUES = {"sequentiel": 1, "omp": 28, "mpi_1": 28}

#: stderr and exit code of what was observed.
ERRORS = {
    "unknown queue": ("qsub: Unknown queue", 170),
    "over limit": ("qsub: Job violates queue and/or server resource limits", 188),
    "bad mem": ("qsub: Illegal attribute or resource value select.mem", 166),
    "bad walltime": ("qsub: Illegal attribute or resource value Resource_List.walltime", 166),
    "select and mem": (
        'qsub: "-lresource=" cannot be used with "select" or "place", resource is: mem',
        5,
    ),
    "bad name": ("qsub: illegal -N value\nusage: qsub [-a date_time] [-A account_string]", 2),
    "queue full": ("qsub: would exceed queue generic's per-user limit of jobs in 'Q' state", 38),
}

DEFAULTS = {
    # Seconds before a command answers.
    "delay": {"qsub": 0.0, "qstat": 0.0, "qdel": 0.0},
    # Command -> how it fails: refused, garbage, silent, hang, or an exit code in digits.
    "fail": {},
    "history": True,
    # Of so many jobs the first end with 127 on a node of their own: it has no Python.
    "broken": 0,
    # Jobs that run at a time, and that may be queued.
    "slots": 4,
    "queued": None,
    # A walltime of one minute lasts so many seconds.
    "minute": 60.0,
    # Seconds between SIGTERM and SIGKILL of a job that is killed.
    "kill_delay": 5.0,
    "version": "pbs_version = 23.06.06\n",
    # Limits by queue, such as {"omp": {"walltime": "10:00:00"}}.
    "limits": {},
}


class Answer(Exception):
    """What a command prints and its exit code."""

    def __init__(self, code: int, out: str = "", error: str = "") -> None:
        self.code, self.out, self.error = code, out, error


@dataclass
class Server:
    """The state below one folder."""

    root: Path

    @classmethod
    def of_environment(cls) -> "Server":
        return cls(Path(os.environ["PBS_STANDIN"]))

    # -- for tests --------------------------------------------------------------------------

    @classmethod
    def new(cls, root: Path, **settings: object) -> "Server":
        (root / "jobs").mkdir(parents=True)
        server = cls(root)
        server.set(**settings)
        return server

    def set(self, **settings: object) -> None:
        """Change how it answers from now on."""
        path = self.root / "settings.json"
        before = json.loads(path.read_text()) if path.exists() else {}
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps({**before, **settings}))
        temporary.replace(path)

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PBS_STANDIN": str(self.root)}

    def calls(self, *commands: str) -> list[list[str]]:
        """Arguments of each call of these commands so far."""
        path = self.root / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [call["arguments"] for call in map(json.loads, lines) if call["command"] in commands]

    def left(self) -> list[str]:
        """Ids of jobs that have not ended."""
        return [job["id"] for job in self.jobs() if job["job_state"] != "F"]

    def stop(self) -> None:
        """End every process of every job."""
        for job in self.jobs():
            for pid in (job.get("mom"), job.get("session_id")):
                if pid:
                    _kill_session(pid, signal.SIGKILL)

    # -- state ------------------------------------------------------------------------------

    @property
    def settings(self) -> dict:
        return {**DEFAULTS, **json.loads((self.root / "settings.json").read_text())}

    @contextmanager
    def locked(self):
        with (self.root / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def path(self, job_id: str) -> Path:
        return self.root / "jobs" / f"{job_id.split('.')[0]}.json"

    def jobs(self) -> list[dict]:
        paths = sorted((self.root / "jobs").glob("*.json"), key=lambda path: int(path.stem))
        return [json.loads(path.read_text()) for path in paths]

    def job(self, job_id: str) -> dict:
        return json.loads(self.path(job_id).read_text())

    def write(self, job: dict) -> None:
        path = self.path(job["id"])
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(job))
        temporary.replace(path)

    def update(self, job_id: str, **changes: object) -> dict:
        with self.locked():
            job = {**self.job(job_id), **changes, "mtime": _now()}
            self.write(job)
        return job


# -- commands --------------------------------------------------------------------------------


def main(command: str) -> None:
    """What ``bin/qsub`` and the others run."""
    server = Server.of_environment()
    if command == "qstat" and sys.argv[1] in ("--version", "-Q"):
        is_version = sys.argv[1] == "--version"
        sys.stdout.write(server.settings["version"] if is_version else queues(server))
        return
    call = {"command": command, "arguments": sys.argv[1:], "at": time.time()}
    with (server.root / "calls").open("a") as calls:
        calls.write(json.dumps(call) + "\n")
    time.sleep(server.settings["delay"].get(command, 0))
    try:
        _fail(command, server.settings["fail"].get(command))
        {"qsub": qsub, "qstat": qstat, "qdel": qdel}[command](server, sys.argv[1:])
    except Answer as answer:
        sys.stdout.write(answer.out)
        sys.stderr.write(answer.error)
        sys.exit(answer.code)


def _fail(command: str, how: str | None) -> None:
    code = 255 if command == "qstat" else 162
    match how:
        case "refused":
            error = f"Connection refused\n{command}: cannot connect to server {HOST} (errno=15010)"
            raise Answer(code, error=error + "\n")
        case "garbage":
            raise Answer(0, out="\x00\ufffd<html>502 Bad Gateway</html>\n    job_state = F\n")
        case "silent":
            raise Answer(0)
        case str() if how.isdigit():
            # Of a server that restarts, a network or a disk that is full.
            raise Answer(
                int(how), error=f"{command}: Server could not process it (exit code {how})\n"
            )
        case "hang":
            time.sleep(3600)


def qsub(server: Server, arguments: list[str]) -> None:
    """Take a job: options are read as PBS reads them; the script is read now."""
    options, script = _options(arguments)
    resources = _resources(options.get("-l", []))
    _check(server, options, resources)
    with server.locked():
        number = 1 + max((int(job["id"].split(".")[0]) for job in server.jobs()), default=240)
        job = {
            "id": f"{number}.{HOST}",
            "script": Path(script).read_text(),
            "Job_Name": options["-N"][0],
            "job_state": "Q",
            "queue": options.get("-q", ["sequentiel"])[0],
            "output": options.get("-o", [""])[0],
            "select": resources.get("select", "1:ncpus=1"),
            "walltime": resources.get("walltime"),
            "workdir": str(Path.cwd()),
            "Submit_arguments": shlex.join(arguments),
            "ctime": _now(),
            "mtime": _now(),
            "substate": 10,
        }
        server.write(job)
    mom = subprocess.Popen(
        [sys.executable, __file__, "mom", job["id"]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    server.update(job["id"], mom=mom.pid)
    raise Answer(0, out=f"{job['id']}\n")


def qstat(server: Server, arguments: list[str]) -> None:
    """``qstat [-x] -f -w ID …``."""
    flags = "".join(argument[1:] for argument in arguments if argument.startswith("-"))
    ids = [argument for argument in arguments if not argument.startswith("-")]
    if "x" in flags and not server.settings["history"]:
        raise Answer(0, error="qstat: PBS is not configured to maintain job history\n")
    out, error, code = "", "", 0
    for job_id in ids:
        try:
            job = server.job(job_id)
        except FileNotFoundError:
            job = None
        is_over = job is not None and job["job_state"] == "F"
        if job is None or (is_over and not server.settings["history"]) or job.get("forgotten"):
            error += f"qstat: Unknown Job Id {job_id}\n"
            code = 153
        elif is_over and "x" not in flags:
            hint = "use -x or -H to obtain historical job information"
            error += f"qstat: {job_id} Job has finished, {hint}\n"
            code = 35
        else:
            out += shown(job)
    raise Answer(code, out, error)


def queues(server: Server) -> str:
    """What ``qstat -Q -f`` shows."""
    blocks = []
    for name, cores in QUEUES.items():
        limits = {"ncpus": cores, **server.settings["limits"].get(name, {})}
        lines = [f"    resources_max.{key} = {value}\n" for key, value in limits.items()]
        lines = ["    queue_type = Execution\n", *lines, "    enabled = True\n    started = True\n"]
        blocks.append(f"Queue: {name}\n{''.join(lines)}\n")
    return "".join(blocks)


def qdel(server: Server, arguments: list[str]) -> None:
    """Delete jobs: returns at once, they end a moment later."""
    error, code = "", 0
    for job_id in arguments:
        try:
            job = server.job(job_id)
        except FileNotFoundError:
            error, code = error + f"qdel: Unknown Job Id {job_id}\n", 153
            continue
        if job["job_state"] == "F":
            error, code = error + f"qdel: Job has finished {job_id}\n", 35
        elif job["job_state"] == "Q":
            server.update(job_id, job_state="F", substate=91)
        else:
            server.update(job_id, deleted=True)
    raise Answer(code, error=error)


def shown(job: dict) -> str:
    """A job as ``qstat -f -w`` shows it."""
    select = dict(part.split("=") for part in job["select"].split(":")[1:])
    lines = {
        "Job_Name": job["Job_Name"],
        "Job_Owner": f"user@{HOST}",
        "resources_used.cpupercent": job.get("started") and 0,
        "resources_used.mem": job.get("started") and "7144kb",
        "resources_used.walltime": job.get("used"),
        "job_state": job["job_state"],
        "queue": job["queue"],
        "server": HOST,
        "Checkpoint": "u",
        "ctime": job["ctime"],
        "Error_Path": f"{HOST}:{job['workdir']}/{job['Job_Name']}.e{job['id'].split('.')[0]}",
        "exec_host": job.get("started") and f"{job.get('host', HOST)}/0",
        "Hold_Types": "n",
        "Join_Path": "oe",
        "Keep_Files": "n",
        "Mail_Points": "n",
        "mtime": job["mtime"],
        "Output_Path": f"localhost:{job['output']}",
        "Priority": 0,
        "qtime": job["ctime"],
        "Rerunable": "False",
        "Resource_List.mem": select.get("mem"),
        "Resource_List.ncpus": select.get("ncpus", 1),
        "Resource_List.nodect": 1,
        "Resource_List.place": "free",
        "Resource_List.select": job["select"],
        "Resource_List.walltime": job["walltime"],
        "stime": job.get("started"),
        "session_id": job.get("session_id"),
        "substate": job["substate"],
        "Variable_List": f"PBS_O_HOME=/home/user,PBS_O_WORKDIR={job['workdir']},PBS_O_HOST={HOST}",
        "comment": job.get("comment"),
        "etime": job["ctime"],
        "run_count": job.get("started") and 1,
        "Exit_status": job.get("exit_status"),
        "Submit_arguments": job["Submit_arguments"],
        "project": "_pbs_project_default",
        "Submit_Host": HOST,
    }
    text = [f"    {name} = {value}\n" for name, value in lines.items() if value is not None]
    return f"Job Id: {job['id']}\n{''.join(text)}\n"


def _options(arguments: list[str]) -> tuple[dict[str, list[str]], str]:
    options: dict[str, list[str]] = {}
    words = list(arguments)
    while words and words[0].startswith("-"):
        options.setdefault(words.pop(0), []).append(words.pop(0))
    return options, words[0]


def _resources(lists: list[str]) -> dict[str, str]:
    return dict(one.split("=", 1) for text in lists for one in text.split(","))


def _check(server: Server, options: dict[str, list[str]], resources: dict[str, str]) -> None:
    def refuse(what: str) -> None:
        error, code = ERRORS[what]
        raise Answer(code, error=error + "\n")

    select = resources.get("select", "1:ncpus=1")
    queue = options.get("-q", ["sequentiel"])[0]
    if re.search(r"[\s/]", options["-N"][0]):
        refuse("bad name")
    if "select" in resources and "mem" in resources:
        refuse("select and mem")
    if queue not in QUEUES:
        refuse("unknown queue")
    if (mem := re.search(r"mem=([^:]*)", select)) and not re.fullmatch(r"\d+[kmgt]?b", mem[1]):
        refuse("bad mem")
    if not re.fullmatch(r"(\d+:)*\d+", resources.get("walltime", "1")):
        refuse("bad walltime")
    if int(re.search(r"ncpus=(\d+)", select)[1]) > QUEUES[queue]:
        refuse("over limit")
    most = server.settings["queued"]
    if most is not None and sum(job["job_state"] == "Q" for job in server.jobs()) >= most:
        refuse("queue full")


# -- a job's life ----------------------------------------------------------------------------


def mom(server: Server, job_id: str) -> None:
    """Run one job from its queue to its end."""
    while True:
        time.sleep(random.uniform(0.02, 0.1))
        with server.locked():
            jobs = server.jobs()
            job = server.job(job_id)
            if job["job_state"] == "F":
                return
            if job.get("held"):
                continue
            ahead = [one["id"] for one in jobs if one["job_state"] == "Q" and not one.get("held")]
            running = sum(one["job_state"] == "R" for one in jobs)
            if running < server.settings["slots"] and ahead[0] == job_id:
                job.update(job_state="R", substate=42, started=_now(), mtime=_now())
                server.write(job)
                break
    begin = time.monotonic()
    number = int(job_id.split(".")[0]) - 241
    if number < server.settings["broken"]:
        job["script"] = "echo 'bash: python: No such file or directory'; exit 127"
        server.update(job_id, host="node7")
    process, output = _start(server, job)
    server.update(job_id, session_id=process.pid)
    limit = _seconds(job["walltime"]) * server.settings["minute"] / 60 if job["walltime"] else None
    end = {}
    while process.poll() is None:
        time.sleep(0.05)
        if server.job(job_id).get("deleted"):
            end = {"exit_status": 271, "substate": 91, "comment": "terminated by user@datarmor0"}
        elif limit is not None and time.monotonic() - begin > limit:
            text = f"=>> PBS: job killed: walltime {limit + 2:.0f} exceeded limit {limit:.0f}\n"
            output.write(text.encode())
            end = {"exit_status": -29, "substate": 93, "comment": "exceeded resource walltime"}
        if end:
            _end_session(process, server.settings["kill_delay"])
            break
    code = process.wait()
    _kill_session(process.pid, signal.SIGKILL)
    if not end:
        status = code if code >= 0 else 128 - code
        end = {"exit_status": status, "substate": 92 if status == 0 else 93}
        end["comment"] = "finished" if status == 0 else "failed"
    output.close()
    _deliver(server.job(job_id), Path(output.name))
    used = int(time.monotonic() - begin)
    comment = f"Job run at {job['started'][:16]} on ({HOST}:ncpus=1) and {end.pop('comment')}"
    server.update(job_id, job_state="F", used=f"00:{used // 60:02d}:{used % 60:02d}", **end)
    if not comment.endswith("and "):
        server.update(job_id, comment=comment)


def _start(server: Server, job: dict):
    """In $HOME and with next to nothing of the submitter's environment."""
    spool = server.root / "spool"
    spool.mkdir(exist_ok=True)
    script = spool / f"{job['id']}.SC"
    script.write_text(job["script"])
    output = (spool / f"{job['id']}.OU").open("wb", buffering=0)
    home = server.root / "home"
    home.mkdir(exist_ok=True)
    environment = {
        "HOME": str(home),
        "PATH": "/usr/bin:/bin",
        "SHELL": "/bin/tcsh",
        "USER": "user",
        "PBS_JOBID": job["id"],
        "PBS_O_WORKDIR": job["workdir"],
        "PBS_ENVIRONMENT": "PBS_BATCH",
        "NCPUS": "1",
        "OMP_NUM_THREADS": "1",
        "TMPDIR": "/tmp",
    }
    process = subprocess.Popen(
        ["/bin/bash", script],
        cwd=home,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    return process, output


def _deliver(job: dict, output: Path) -> None:
    """Where -o says; into a folder that is not there it is lost without a word."""
    target = Path(job["workdir"], job["output"])
    if target.is_dir():
        target /= f"{job['id']}.OU"
    with suppress(OSError):
        target.write_bytes(output.read_bytes())
        target.chmod(0o600)


def _session(sid: int) -> list[int]:
    """Processes of a session, as MoM finds those of a job."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError):
                if os.getsid(int(entry.name)) == sid:
                    found.append(int(entry.name))
    return found


def _kill_session(sid: int, number: int) -> None:
    for pid in _session(sid):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _end_session(process: subprocess.Popen, delay: float) -> None:
    _kill_session(process.pid, signal.SIGTERM)
    until = time.monotonic() + delay
    while process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    _kill_session(process.pid, signal.SIGKILL)


def _seconds(walltime: str) -> float:
    seconds = 0
    for part in walltime.split(":"):
        seconds = 60 * seconds + int(part)
    return seconds


def _now() -> str:
    return time.strftime("%a %b %d %H:%M:%S %Y")


if __name__ == "__main__" and sys.argv[1] == "mom":
    mom(Server.of_environment(), sys.argv[2])
