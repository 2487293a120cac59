"""What libiscsi's programs and QEMU find when they use kiln's drive over iSCSI.

The test tool's tests that cannot apply stand in `iscsi-test.expect` with the reason; an entry that
no longer applies is an error like an unexpected failure."""

import collections
import filecmp
import os
import random
import re
import subprocess

import capture
import expect
import foreign
import foreign_material
import guest
import serve

EXPECT = os.path.join(guest.ROOT, "scripts", "iscsi-test.expect")
# Recorded and closed beforehand; the tests read only.
RECORDED = ["cd-r", "dvd-r", "dvd+r", "bd-r"]
# Written by the tests themselves.
OVERWRITABLE = ["dvd+rw", "dvd-ram", "bd-re"]
# libiscsi takes a password from a URL as it stands.
USER, SECRET = "burner", "sixteen-or-more"
# By which the target proves who it is.
TARGET_USER, TARGET_SECRET = "recorder", "another-sixteen-or-more"


def suites():
    """Suites of the test tool: every one of its families holds a part of those of ALL."""
    names = []
    for line in guest.run("iscsi-test-cu", "--list").split():
        parts = line.split(".")
        if parts[0] == "ALL" and len(parts) == 2:
            names.append(parts[1])
    return names


def run_suite(suite, url, dataloss):
    """(test, outcome, what was said) of each test: outcome is pass, fail or skip."""
    command = ["iscsi-test-cu", "-v", *(["-d"] if dataloss else []), "-t", f"ALL.{suite}", url]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=120)
        text, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as error:
        text, code = (error.stdout or b"").decode(errors="replace"), "none within 120 s"
    pieces = re.split(r"^  Test: (\S+) \.\.\.", text, flags=re.MULTILINE)
    results = []
    for test, said in zip(pieces[1::2], pieces[2::2]):
        verdict = re.search(r"(?<!\[)\b(passed|FAILED)\b(?!\])", said)
        # What follows the verdict of the last test is the tool's own tidying up.
        said = said[:verdict.end()] if verdict else said
        if not verdict or verdict[1] == "FAILED":
            outcome = "fail"
        else:
            outcome = "skip" if "[SKIPPED]" in said else "pass"
        results.append((f"{suite}.{test}", outcome, " ".join(said.split())))
    # It ends with 1 when a test failed.
    if code not in (0, 1) or not results:
        results.append((f"{suite}.ends", "fail", f"exit {code}: {' '.join(text.split())[-500:]}"))
    return results


def libiscsi_tests(verdict, units, chosen=None):
    """Runs every suite on every (medium, URL)."""
    rules = expect.load(EXPECT, ("test", "medium", "outcome", "reason"))
    names = [name for name in suites() if not chosen or name in chosen]
    used, table = set(), collections.Counter()
    for medium, url in units:
        for suite in names:
            for test, outcome, said in run_suite(suite, url, medium in OVERWRITABLE):
                rule = outcome != "pass" and expect.match(rules, test, medium, outcome)
                used.add(rule)
                table[medium, f"known {outcome}" if rule else outcome] += 1
                if outcome != "pass" and not rule:
                    print(f"  {medium}: {test}: {outcome}: {said[:300]}", flush=True)
        counts = ", ".join(f"{n} {what}" for (m, what), n in sorted(table.items()) if m == medium)
        bad = table[medium, "fail"] + table[medium, "skip"]
        verdict(f"iscsi-test-cu on {medium}: {counts}", not bad, "see above")
    if not chosen and len(units) == len(RECORDED + OVERWRITABLE):
        stale = [rule for rule in rules if rule not in used
                 and any(expect.fits(rule.patterns[1], medium) for medium, _ in units)]
        verdict("no entry in iscsi-test.expect is stale",
                not expect.say_stale(stale, "iscsi-test.expect"), "see above")


def call(*command, timeout=300):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", timeout=timeout)
    return done.returncode, done.stdout + done.stderr


def with_login(url, user, secret):
    return url.replace("iscsi://", f"iscsi://{user}%{secret}@")


def programs(verdict, served, media, images):
    """What the other programs of libiscsi and QEMU make of the units. `images`: what the recorded
    ones hold."""
    code, said = call("iscsi-ls", "-s", f"iscsi://{served.portal}")
    verdict("iscsi-ls finds the target and every unit", code == 0 and served.target in said
            and len(re.findall(r"Lun:\d+ +Type:MMC", said)) == len(media), said)
    for medium, url in zip(media, served.urls):
        code, said = call("iscsi-inq", url)
        verdict(f"iscsi-inq on {medium}", code == 0 and "Peripheral Device Type:MMC" in said
                and "Removable:1" in said, said)
        code, said = call("iscsi-inq", "-e", "1", "-c", "0", url)
        pages = re.findall(r"^Page:(0x\w\w)", said, re.MULTILINE)
        good = code == 0 and {"0x00", "0x80", "0x83"} <= set(pages)
        for page in pages:
            again, more = call("iscsi-inq", "-e", "1", "-c", page, url)
            good, said = good and again == 0, said + more
        verdict(f"iscsi-inq reads all {len(pages)} vital product data pages on {medium}", good,
                said)
        if medium in images:
            reads_back(verdict, medium, url, images[medium])


# QEMU would write zeros by WRITE SAME(10); refused, it sends them.
WRITE_SAME = [0x41]
# What needs a command that a recorder has not got, and how it says so.
REFUSED = [
    (["iscsi-readcapacity16"], "failed to send readcapacity"),
    (["iscsi-perf", "-t", "3"], "failed to send readcapacity"),
    # It asks for page 0Ah.
    (["iscsi-swp", "-s", "on"], "MODE_SENSE10 failed.*ILLEGAL_REQUEST.*INVALID_FIELD_IN_CDB"),
]


def refused(verdict, medium, url):
    """Programs for block devices end with the refusal, and leave the unit as it was."""
    for command, words in REFUSED:
        code, said = call(*command, url, timeout=60)
        verdict(f"{' '.join(command)} ends with the refusal on {medium}",
                code > 0 and re.search(words, said), f"exit {code}: {said}")
    code, said = call("iscsi-inq", url)
    verdict(f"iscsi-inq on {medium} after that", code == 0 and "MMC" in said, said)


# Burns by programs that the shim carries: medium, command, commands that the capture must show.
# Wireshark has no name for FORMAT UNIT and SEND CUE SHEET.
SHIM = [
    ("cd-r", "cdrskin dev=/dev/sr0 -sao {image}", ["5Dh", "Write(10)"]),
    ("cd-r", "wodim dev=/dev/sr0 -dao -audio {audio}", ["5Dh", "Write(10)"]),
    ("dvd+r", "xorriso -as cdrecord dev=/dev/sr0 {image}",
     ["Reserve Track", "Write(10)", "Close Track"]),
    ("bd-re", "xorriso -as cdrecord dev=/dev/sr0 {image}", ["04h", "Write(10)"]),
]


def shim_captures(verdict, program, image, work):
    """The sessions that kiln makes up for what passed through the shim, by tshark."""
    audio = f"{work}/audio.raw"
    with open(audio, "wb") as file:
        file.write(random.Random(5).randbytes(400 * 2352))
    for n, (medium, command, names) in enumerate(SHIM):
        trace, argv = f"{work}/shim-{n}.pcapng", command.format(image=image, audio=audio).split()
        code, said = call(program, "vdrive", "run", "--drive", f"virtual:{medium}", "--disc",
                          f"{work}/shim-{n}.disc", "--trace", trace, "--", *argv)
        what = f"{argv[0]} on {medium} by the shim"
        verdict(what, code == 0, said[-1000:])
        capture.judge(verdict, f"tshark, {what}", trace, None, 100, names)


def image_options(served, initiator, digest="none"):
    """QEMU's words for unit 0 where a URL is not enough."""
    return (f"driver=raw,file.driver=iscsi,file.transport=tcp,file.portal={served.portal},"
            f"file.target={served.target},file.lun=0,file.header-digest={digest},"
            f"file.initiator-name=iqn.2026-11.test.kiln:{initiator}")


def reads_back(verdict, medium, source, image):
    source = [source] if source.startswith("iscsi:") else ["--image-opts", source]
    code, said = call("qemu-img", "info", *source)
    size = os.path.getsize(image)
    verdict(f"qemu-img info on {medium}", code == 0 and f"({size} bytes)" in said,
            f"not {size} bytes: {said}")
    out = f"{image}.copy"
    code, said = call("qemu-img", "convert", "-U", "-O", "raw", *source, out)
    same = code == 0 and filecmp.cmp(image, out, shallow=False)
    verdict(f"qemu-img convert copies {medium}", same, said or "the copy differs")
    if os.path.exists(out):
        os.unlink(out)


def writes(verdict, medium, url, image):
    """An image written by QEMU and read back by it."""
    code, said = call("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", image, url)
    verdict(f"qemu-img convert writes {medium}", code == 0, said)
    back, size = f"{image}.back", os.path.getsize(image)
    code, said = call("qemu-img", "dd", "-f", "raw", "-O", "raw", "bs=2048", f"count={size // 2048}",
                      f"if={url}", f"of={back}")
    same = code == 0 and filecmp.cmp(image, back, shallow=False)
    verdict(f"qemu-img dd reads back what it wrote on {medium}", same, said or "it differs")
    if os.path.exists(back):
        os.unlink(back)


def secret_file(work, name, secret):
    path = os.path.join(work, name)
    with open(path, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(secret + "\n")
    return path


def chap(verdict, program, unit, image, work):
    """CHAP by its password, without, and with a wrong one; and the target's own."""
    one_way = ["--chap-user", USER, "--chap-secret-file", secret_file(work, "secret", SECRET)]
    with serve.Served(program, [unit], *one_way) as locked:
        url = locked.urls[0]
        portal = f"iscsi://{USER}%{SECRET}@{locked.portal}"
        code, said = call("iscsi-ls", "-s", portal)
        verdict("iscsi-ls with the right secret", code == 0 and "Type:MMC" in said, said)
        code, said = call("iscsi-ls", portal.replace(SECRET, SECRET[::-1]))
        verdict("iscsi-ls with a wrong secret finds nothing", locked.target not in said, said)
        code, said = call("iscsi-inq", with_login(url, USER, SECRET))
        verdict("CHAP with the right secret", code == 0 and "MMC" in said, said)
        for what, wrong in [("a wrong secret", with_login(url, USER, SECRET[::-1])),
                            ("a wrong name", with_login(url, "reader", SECRET)),
                            ("no login", url)]:
            code, said = call("iscsi-inq", wrong)
            verdict(f"CHAP refuses {what}", code != 0 and "MMC" not in said, said)
        reads_back(verdict, "the unit behind CHAP", with_login(url, USER, SECRET), image)
        asked = f"{with_login(url, USER, SECRET)}?target_user={TARGET_USER}"
        code, said = call("iscsi-inq", f"{asked}&target_password={TARGET_SECRET}")
        verdict("a target without a secret of its own proves nothing",
                code != 0 and "MMC" not in said, said)
    mutual = ["--chap-target-user", TARGET_USER, "--chap-target-secret-file",
              secret_file(work, "target-secret", TARGET_SECRET)]
    with serve.Served(program, [unit], *one_way, *mutual) as both:
        url = with_login(both.urls[0], USER, SECRET)
        for what, secret, good in [("its secret", TARGET_SECRET, True),
                                   ("another secret", TARGET_SECRET[::-1], False)]:
            code, said = call("iscsi-inq",
                              f"{url}?target_user={TARGET_USER}&target_password={secret}")
            verdict(f"the initiator {'believes' if good else 'refuses'} a target by {what}",
                    good == (code == 0 and "MMC" in said), said)
        code, said = call("iscsi-inq", url)
        verdict("who does not ask is not told the target's secret", code == 0 and "MMC" in said,
                said)


def logins(verdict, program, unit, image, work):
    """CHAP; a digest; four initiators at once."""
    chap(verdict, program, unit, image, work)
    with serve.Served(program, [unit]) as served:
        url = served.urls[0]
        code, said = call("iscsi-inq", f"{url}?header_digest=crc32c")
        verdict("iscsi-inq with header digests", code == 0 and "MMC" in said, said)
        reads_back(verdict, "the unit with header digests", image_options(served, "digests",
                                                                          "crc32c"), image)
        copies = [f"{work}/copy-{n}" for n in range(4)]
        readers = [subprocess.Popen(
            ["qemu-img", "convert", "-U", "-O", "raw", "--image-opts",
             image_options(served, f"reader-{n}"), copy],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            for n, copy in enumerate(copies)]
        said = [reader.communicate(timeout=300)[1].decode() for reader in readers]
        same = [os.path.exists(copy) and filecmp.cmp(image, copy, shallow=False)
                for copy in copies]
        verdict("four initiators at once read the same", all(same), "\n".join(said))
        verdict("the server ends cleanly", (code := served.stop()) == 0, f"exit {code}")


def prove(kiln, source, work, media=None, chosen=None):
    """The whole proof; returns (passed, failed). `kiln`: runs the program, with `.program`."""
    guest.need("iscsi-test-cu", "iscsi-ls", "iscsi-inq", "iscsi-perf", "iscsi-swp",
               "iscsi-readcapacity16", "qemu-img", "cdrskin", "wodim", "xorriso")
    verdict = serve.Verdicts()
    image = f"{work}/x.iso"
    foreign.xorriso_image(source, image)
    media = media or RECORDED + OVERWRITABLE
    units, images = [], {}
    for medium in media:
        unit = (f"virtual:{medium}", f"{work}/{medium}.disc")
        units.append(unit)
        if medium in RECORDED:
            # Not track at once, which leaves two blocks behind the data that cannot be read, and
            # which the tests would read.
            if medium == "cd-r":
                kiln("vdrive", "run", "--drive", unit[0], "--disc", unit[1], "--", "cdrskin",
                     "dev=/dev/sr0", "-sao", image)
            else:
                kiln("burn", "--image", image, "--drive", unit[0], "--disc", unit[1])
            images[medium] = f"{work}/{medium}.iso"
            kiln("read", "--drive", unit[0], "--disc", unit[1], "-o", images[medium])
        else:
            # A tool that tests disks does not format what it writes to, and reads the last blocks.
            if medium == "dvd+rw":
                kiln("vdrive", "run", "--drive", unit[0], "--disc", unit[1], "--", "sh", "-e", "-c",
                     foreign_material.DISCS["formatted whole"])
            kiln("burn", "--image", image, "--drive", unit[0], "--disc", unit[1])
    trace, live = f"{work}/programs.pcapng", f"{work}/programs-live.pcapng"
    with serve.Served(kiln.program, units, "--trace", trace) as served:
        port = int(served.portal.rsplit(":", 1)[1])
        with capture.Live(port, live) as captured:
            programs(verdict, served, media, images)
            for medium, url in zip(media, served.urls):
                if medium in OVERWRITABLE:
                    writes(verdict, medium, url, image)
        verdict("the traced server ends cleanly", (code := served.stop()) == 0, f"exit {code}")
    capture.judge(verdict, "tshark, the server's own trace", trace, None, 100, ["Read(10)"],
                  WRITE_SAME)
    if captured.reason:
        print(f"SKIP tshark on the wire: {captured.reason}")
    else:
        capture.judge(verdict, "tshark, on the wire", live, port, 100, ["Read(10)"], WRITE_SAME)
    shim_captures(verdict, kiln.program, image, work)
    with serve.Served(kiln.program, units) as served:
        for medium, url in zip(media, served.urls):
            refused(verdict, medium, url)
        libiscsi_tests(verdict, list(zip(media, served.urls)), chosen)
        before = served.resident_kib()[0]
        for _ in range(100):
            call("iscsi-inq", served.urls[0])
        after = served.resident_kib()[0]
        verdict("100 logins leave the memory as it is", after < before + 4096,
                f"{before} KiB became {after} KiB")
        verdict("the server ends cleanly", (code := served.stop()) == 0,
                f"exit {code}: {served.log}")
    for medium in media:
        if medium in RECORDED:
            logins(verdict, kiln.program, units[media.index(medium)], images[medium], work)
            break
    return verdict.counts
