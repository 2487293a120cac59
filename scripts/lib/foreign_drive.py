"""Programs that are not ours at the virtual drive: the rows of the table, and running them.

A row is one program, one medium, one job: steps, each a shell line under `kiln vdrive run` with
the row's disc in the drive, and what must hold of the medium afterwards. The rows stand in
`scripts/foreign.d/drive.d/*.toml`:

  program, job, media   what the row is called; it becomes one row for each medium
  disc                  what the disc is at first: a state of `foreign_material.DISCS`, or blank
  run                   a shell line, or several: each visits the drive anew
  needs                 more programs without which the row cannot run
  want                  `exit` and what `foreign_checks.check` knows
  for.MEDIUM            another `run`, or more wishes, for one of the media"""

import collections
import concurrent.futures
import glob
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import tomllib

import expect
import foreign_checks
import foreign_material
import guest

TABLE = os.path.join(guest.ROOT, "scripts", "foreign.d", "drive.d")
EXPECT = os.path.join(guest.ROOT, "scripts", "foreign-drive.expect")
# Every medium that a row may name.
MEDIA = ["cd-r", "cd-rw", "dvd-r", "dvd-rw", "dvd+r", "dvd+rw", "dvd-ram", "bd-r", "bd-re"]
GROUPS = {
    "all": MEDIA,
    "cd": ["cd-r", "cd-rw"],
    "dvd": ["dvd-r", "dvd-rw", "dvd+r", "dvd+rw", "dvd-ram"],
    "bd": ["bd-r", "bd-re"],
}
# Longest a step may take, in seconds.
PATIENCE = 60

Row = collections.namedtuple("Row", "program medium job disc steps needs want")
# `state`: passed, failed, expected, skipped. `why`: what is wrong, or what is missing.
Result = collections.namedtuple("Result", "row state why seconds")


def rows():
    """The table, one row for each medium."""
    found = []
    for path in sorted(glob.glob(f"{TABLE}/*.toml")):
        with open(path, "rb") as file:
            try:
                entries = tomllib.load(file)["row"]
            except tomllib.TOMLDecodeError as error:
                raise guest.RigError(f"{path}: {error}") from error
        for entry in entries:
            if unknown := set(entry) - WORDS:
                raise guest.RigError(f"{path}: {entry['job']}: no such word: {unknown}")
            media = [m for named in entry["media"] for m in GROUPS.get(named, [named])]
            found += [row(entry, medium) for medium in media]
    twice = [key for key, n in collections.Counter(map(name, found)).items() if n > 1]
    if twice:
        raise guest.RigError(f"twice in the table: {', '.join(twice)}")
    return found


WORDS = {"program", "job", "media", "disc", "run", "needs", "want", "for"}


def row(entry, medium):
    own = dict(entry.get("for", {}).get(medium, {}))
    steps = own.pop("run", entry["run"])
    steps = steps if isinstance(steps, list) else [steps]
    return Row(entry["program"], medium, entry["job"], entry.get("disc", "blank"), steps,
               [entry["program"], *entry.get("needs", [])], {**entry.get("want", {}), **own})


def name(row):
    return f"{row.program}, {row.medium}, {row.job}"


class Runner:
    """Runs rows: each in a folder of its own, with a copy of the disc that it starts from."""

    def __init__(self, kiln, work, keep):
        self.kiln, self.work, self.keep = kiln, work, keep
        self.material = foreign_material.Material(self, os.path.join(work, "material"))

    def run(self, row):
        missing = sorted({p for p in row.needs if not shutil.which(p)})
        if missing:
            return Result(row, "skipped", f"not installed: {' '.join(missing)}", 0)
        start = time.monotonic()
        folder = os.path.join(self.work, re.sub(r"[^\w+.-]+", "-", name(row)))
        os.mkdir(folder)
        try:
            self.steps(row, folder)
            state, why = "passed", ""
        except foreign_checks.Wrong as wrong:
            state, why = "failed", str(wrong)
        except foreign_material.Unprepared as error:
            state, why = "failed", f"preparing the disc: {error}"
        finally:
            if not self.keep:
                shutil.rmtree(folder, ignore_errors=True)
        return Result(row, state, why, time.monotonic() - start)

    def steps(self, row, folder):
        disc = os.path.join(folder, "disc")
        self.material.disc(row.medium, row.disc, disc)
        # Known to steps and checks alike.
        scene = foreign_checks.Scene(self, row, folder, disc)
        text = ""
        codes = row.want.get("exit", 0)
        for number, step in enumerate(row.steps):
            code, said = self.at_drive(disc, row.medium, step, folder)
            text += said
            if self.keep:
                with open(os.path.join(folder, "log"), "a", encoding="utf-8") as log:
                    log.write(f"$ {step}\n{said}")
            if code != (codes[number] if isinstance(codes, list) else codes):
                raise foreign_checks.Wrong(f"`{step}`: exit {code}: {tail(said)}")
        foreign_checks.check(scene, text)

    def at_drive(self, disc, medium, line, folder=None):
        """Runs a shell line with the disc in the drive; its exit code and all that it said."""
        folder = folder or self.material.folder
        command = [self.kiln, "vdrive", "run", "--disc", disc]
        if self.keep:
            traces = len(glob.glob(f"{folder}/trace*"))
            command += ["--trace", f"{folder}/trace{traces + 1}"]
        command += ["--", "/bin/sh", "-euc", line]
        return call(command, folder, self.material.environment(medium))


def call(command, folder, variables):
    """Exit code and output of a command, which gets the same surroundings everywhere. When it
    takes too long, it and its children are ended."""
    env = dict(os.environ, **variables, LC_ALL="C.UTF-8", TZ="UTC", HOME=folder, USER="user",
               SOURCE_DATE_EPOCH="1000000000",
               PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    with tempfile.TemporaryFile() as out:
        started = subprocess.Popen(command, cwd=folder, env=env, stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            code = started.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            code = f"none within {PATIENCE} s"
        finally:
            end(started)
        out.seek(0)
        return code, out.read().decode(errors="replace")


def end(started):
    """Ends whatever is left of a command's process group."""
    try:
        os.killpg(started.pid, signal.SIGTERM)
        started.wait(5)
        os.killpg(started.pid, signal.SIGKILL)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass
    started.wait()


def tail(text, limit=300):
    """The last words, on one line: programs draw progress with carriage returns."""
    lines = [re.sub(r".*\r(?=.)", "", line).strip() for line in text.split("\n")]
    return " / ".join(line for line in lines if line)[-limit:]


def run(chosen, kiln, work, keep, jobs):
    """Runs the rows; prints each as it ends, then the table; returns passed, failed, skipped."""
    runner = Runner(kiln, work, keep)
    entries = expect.load(EXPECT, ("program", "medium", "job", "what is said", "reason"))
    results, used, contradicted = [], set(), {}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for result in pool.map(runner.run, chosen):
            known = [e for e in entries if concerns(e, result.row)]
            entry = next((e for e in known if expect.fits(e.patterns[3], result.why)), None)
            if result.state == "failed" and entry:
                used.add(entry)
                result = result._replace(state="expected", why=entry.reason)
            elif result.state == "passed":
                contradicted.update({e: name(result.row) for e in known})
            say(result)
            results.append(result)
    print_table(results)
    counts = collections.Counter(result.state for result in results)
    stale = [e for e in entries if e in contradicted or e not in used and any(
        concerns(e, r.row) for r in results if r.state != "skipped")]
    for entry in stale:
        if entry in contradicted:
            print(f"passes now: {contradicted[entry]}")
    unmatched = [e for e in entries if not any(concerns(e, row) for row in rows())]
    failed = counts["failed"] + expect.say_stale([*stale, *unmatched], "foreign-drive.expect")
    return counts["passed"] + counts["expected"], failed, counts["skipped"]


def concerns(entry, row):
    """Whether the entry is about this row; it may name several programs and media."""
    programs, media, job, _ = entry.patterns
    return expect.fits(job, row.job) and all(
        any(expect.fits(one.strip(), value) for one in several.split(","))
        for several, value in ((programs, row.program), (media, row.medium)))


def say(result):
    word = {"passed": "ok", "failed": "WRONG", "expected": "ok, fails as known",
            "skipped": "SKIP"}[result.state]
    line = f"{name(result.row)}: {word} ({result.seconds:.1f} s)"
    if result.state == "skipped":
        line = f"SKIP {name(result.row)}"
    print(line + (f": {result.why}" if result.why else ""), flush=True)


def print_table(results):
    """Program by medium: how many jobs passed, of those that were run."""
    programs = sorted({result.row.program for result in results})
    media = [m for m in MEDIA if any(result.row.medium == m for result in results)]
    width = max((len(p) for p in programs), default=0)
    print("\n" + "program".ljust(width), *(medium.rjust(8) for medium in media))
    for program in programs:
        cells = []
        for medium in media:
            states = [r.state for r in results
                      if (r.row.program, r.row.medium) == (program, medium)]
            good = sum(state in ("passed", "expected") for state in states)
            cells.append((f"{good}/{len(states)}" if states else "").rjust(8))
        print((program.ljust(width) + " " + " ".join(cells)).rstrip())
    known = [result for result in results if result.state == "expected"]
    if known:
        print("\nfails as known:")
        for result in known:
            print(f"  {name(result.row)}: {result.why}")
