"""What foreign programs burn, and the discs that they find: made once in a run, the same bytes
each time. Steps see everything as variables: `$image`, `$tree`, `$wav1` and so on."""

import math
import os
import random
import re
import struct
import subprocess
import threading

SECTOR = 2352
# Sectors of the audio tracks: the shortest a track may be is 4 s (IEC 60908).
AUDIO = (302, 375, 341)
ALBUM = ("Kiln Proof", "The Kilners")
TITLES = (("First Light", "Ada"), ("Second Wind", "Bela"), ("Third Rail", "Cyrus"))
# The discs that are there to start from, by how they are made from a blank one.
DISCS = {
    "blank": None,
    "data": "kiln",
    "open": "kiln --keep-open",
    "two": "kiln --keep-open, then kiln",
    "audio": 'cdrdao write -n --device /dev/sr0 --driver generic-mmc:0x10 "$audiotoc"',
    "mixed": 'cdrdao write -n --device /dev/sr0 --driver generic-mmc "$mixedtoc"',
    "formatted": "dvd+rw-format -force /dev/sr0",
    # DVD+RW goes on formatting in the background, and each look at it lets time pass.
    "formatted whole": "xorriso -outdev /dev/sr0 -format full && n=0 &&"
                       " until dvd+rw-mediainfo /dev/sr0 | grep 'BG Format Status: *complete';"
                       " do [ $((n += 1)) -lt 30 ] || exit 1; done",
}


class Unprepared(Exception):
    """The disc that a row starts from cannot be made."""


class Material:
    """Files to burn, and discs by medium and state, made when they are first wanted."""

    def __init__(self, runner, folder):
        self.runner, self.folder = runner, folder
        os.makedirs(folder)
        self.paths = make(folder)
        self.locks, self.lock, self.failures = {}, threading.Lock(), {}

    def environment(self, medium):
        return {**self.paths, "medium": medium}

    def disc(self, medium, state, copy):
        """A copy of the disc of this medium in this state."""
        path = os.path.join(self.folder, f"{medium}-{state}.disc")
        with self.lock:
            lock = self.locks.setdefault(path, threading.Lock())
        with lock:
            if path in self.failures:
                raise Unprepared(self.failures[path])
            if not os.path.exists(path):
                try:
                    self.prepare(medium, state, path)
                except Unprepared as error:
                    self.failures[path] = str(error)
                    raise
        run("cp", "--sparse=always", "--reflink=auto", path, copy)

    def prepare(self, medium, state, path):
        kiln = self.runner.kiln
        if state not in DISCS:
            raise Unprepared(f"there is no state {state}")
        if state == "blank":
            run(kiln, "disc", "new", medium, path)
            return
        making = path + ".new"
        if state in ("data", "open", "two"):
            keep = "--close" if state == "data" else "--keep-open"
            run(kiln, "burn", "--image", self.paths["image"], "--drive", f"virtual:{medium}",
                "--disc", making, "--verify", "none", keep)
            if state == "two":
                run(kiln, "burn", self.paths["tree2"], "--disc", making, "--verify", "none")
        else:
            run(kiln, "disc", "new", medium, making)
            code, said = self.runner.at_drive(making, medium, DISCS[state])
            if code:
                raise Unprepared(f"`{DISCS[state]}`: exit {code}: {said[-500:]}")
        os.rename(making, path)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise Unprepared(f"{' '.join(command)}: exit {done.returncode}: {done.stderr[-500:]}")


def make(folder):
    """Makes every file; returns their paths by name."""
    at = lambda name: os.path.join(folder, name)  # noqa: E731
    tree(at("tree"), ["one/deep/file.bin", "one/text", "noise.bin"], 1)
    tree(at("tree2"), ["two/file.bin", "one/text", "more.bin"], 2)
    image(at("tree"), at("image.iso"))
    write(at("data.bin"), noise(5, 700 * 2048))
    tracks = [tone(10 + n, sectors * SECTOR) for n, sectors in enumerate(AUDIO)]
    for n, pcm in enumerate(tracks, 1):
        write(at(f"track{n}.wav"), wav(pcm))
        write(at(f"track{n}.cdr"), swapped(pcm))
        write(at(f"track{n}.inf"), inf(n).encode())
    write(at("album.wav"), wav(b"".join(tracks)))
    # cdrdao takes names from where it is started.
    for name, text in (("audio.toc", audio_toc()), ("data.toc", DATA_TOC),
                       ("xa.toc", XA_TOC), ("mixed.toc", MIXED_TOC)):
        write(at(name), re.sub(r'FILE "(.*?)"', rf'FILE "{folder}/\1"', text).encode())
    write(at("album.cue"), cue().encode())
    write(at("album.v07t"), v07t().encode())
    names = {"image": "image.iso", "audiotoc": "audio.toc", "datatoc": "data.toc",
             "xatoc": "xa.toc", "mixedtoc": "mixed.toc", "cue": "album.cue", "v07t": "album.v07t",
             "tree": "tree", "tree2": "tree2", "data": "data.bin"}
    names |= {f"wav{n}": f"track{n}.wav" for n in (1, 2, 3)}
    names |= {f"cdr{n}": f"track{n}.cdr" for n in (1, 2, 3)}
    paths = {name: at(file) for name, file in names.items()}
    return paths | {"material": folder, "blocks": str(os.path.getsize(paths["image"]) // 2048)}


def noise(seed, length):
    """Bytes in which nothing repeats: a block in the wrong place shows."""
    return random.Random(seed).randbytes(length)


def tone(seed, length):
    """Samples of which it can be told which byte comes first, as rippers try to; with noise in it,
    so that a shift shows."""
    grain, period = noise(seed, length // 2), 200 + seed
    wave = [round(9000 * math.sin(2 * math.pi * n / period)) for n in range(period)]
    return struct.pack(f"<{length // 2}h", *(
        wave[n // 2 % period] + grain[n] for n in range(length // 2)))


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def tree(root, names, seed):
    for n, name in enumerate(names):
        write(f"{root}/{name}", noise(f"{seed} {n}", 40_000 * seed + 333_333 * n))
        # genisoimage keeps the old one of two files with the same time and size.
        date = 1_000_000_000 * seed + n
        os.utime(f"{root}/{name}", (date, date))


def image(source, path):
    """An image whose blocks are neither a multiple of 16 nor of 32 in number."""
    filler = os.path.join(source, "filler")
    for blocks in range(16):
        write(filler, noise(blocks, 2048 * (blocks + 1)))
        os.utime(filler, (1_000_000_000, 1_000_000_000))
        run("genisoimage", "-quiet", "-R", "-J", "-V", "FOREIGN", "-no-pad", "-o", path, source)
        if os.path.getsize(path) // 2048 % 16 == 5:
            return
    raise Unprepared("genisoimage makes no image of the size that is wanted")


def wav(pcm):
    """RIFF of 16-bit stereo at 44.1 kHz."""
    form = struct.pack("<HHIIHH", 1, 2, 44100, 176400, 4, 16)
    chunks = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", len(pcm)) + pcm
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def pcm(path):
    """The samples of a wave file."""
    with open(path, "rb") as file:
        data = file.read()
    at = 12
    while at + 8 <= len(data):
        kind, size = data[at:at + 4], struct.unpack("<I", data[at + 4:at + 8])[0]
        if kind == b"data":
            return data[at + 8:at + 8 + size]
        at += 8 + size + size % 2
    raise ValueError(f"{path} has no samples")


def swapped(data):
    out = bytearray(data)
    out[::2], out[1::2] = data[1::2], data[::2]
    return bytes(out)


def msf(sectors):
    return f"{sectors // 4500:02}:{sectors // 75 % 60:02}:{sectors % 75:02}"


def cd_text(title, performer):
    return (f'CD_TEXT {{\n  LANGUAGE 0 {{\n    TITLE "{title}"\n    PERFORMER "{performer}"\n'
            "  }\n}\n")


def audio_toc():
    """cdrdao's description of the album: CD-TEXT, a catalogue number, one ISRC."""
    out = 'CD_DA\n\nCATALOG "1234567890128"\n\n'
    out += cd_text(*ALBUM).replace("{\n  LANGUAGE 0", "{\n  LANGUAGE_MAP { 0 : EN }\n  LANGUAGE 0")
    for n, titles in enumerate(TITLES, 1):
        out += "\nTRACK AUDIO\n" + ('ISRC "DEKLN2600042"\n' if n == 2 else "")
        out += cd_text(*titles) + f'FILE "track{n}.wav" 0\n'
    return out


DATA_TOC = 'CD_ROM\n\nTRACK MODE1\nDATAFILE "image.iso"\n'
XA_TOC = 'CD_ROM_XA\n\nTRACK MODE2_FORM1\nDATAFILE "image.iso"\n'
MIXED_TOC = """CD_ROM

TRACK MODE1
DATAFILE "image.iso"
ZERO 00:02:00

TRACK AUDIO
SILENCE 00:02:00
START
FILE "track1.wav" 0

TRACK AUDIO
FILE "track2.wav" 0
"""


def cue():
    out = f'TITLE "{ALBUM[0]}"\nPERFORMER "{ALBUM[1]}"\nFILE "album.wav" WAVE\n'
    start = 0
    for n, (title, performer) in enumerate(TITLES, 1):
        out += f'  TRACK {n:02} AUDIO\n    TITLE "{title}"\n    PERFORMER "{performer}"\n'
        out += f"    INDEX 01 {msf(start)}\n"
        start += AUDIO[n - 1]
    return out


def inf(n):
    """What icedax leaves beside a track, as wodim takes it with -useinfo."""
    title, performer = TITLES[n - 1]
    start = sum(AUDIO[:n - 1])
    fields = [("Albumperformer", f"'{ALBUM[1]}'"), ("Performer", f"'{performer}'"),
              ("Albumtitle", f"'{ALBUM[0]}'"), ("Tracktitle", f"'{title}'"),
              ("Tracknumber", n), ("Trackstart", start), ("Tracklength", f"{AUDIO[n - 1]}, 0"),
              ("Pre-emphasis", "no"), ("Channels", 2), ("Copy_permitted", "once (copyright)"),
              ("Endianess", "little"), ("Index", "0")]
    return "".join(f"{key}=\t{value}\n" for key, value in fields)


def v07t():
    """A CD-TEXT sheet of Sony's form 0.7T, as libburn takes it."""
    out = ("Input Sheet Version = 0.7T\nText Code = 8859\nLanguage Code = English\n"
           f"Album Title = {ALBUM[0]}\nArtist Name = {ALBUM[1]}\n"
           f"First Track Number = 1\nLast Track Number = {len(TITLES)}\n")
    for n, (title, performer) in enumerate(TITLES, 1):
        out += f"Track {n:02} Title = {title}\nTrack {n:02} Artist = {performer}\n"
    return out
