"""espeak-ng in this process: text to samples with the place of every word and sound.

ESPEAK_FOLDER names a folder with libespeak-ng.so.1, libsonic.so.0, libpcaudio.so.0 (or one of that
name without functions: nothing is played) and espeak-ng-data; without it the installed one is used.
"""

import ctypes
import os

import numpy as np

RATE = 22050
# espeak's names of the sounds of English; class 0 is silence, the last any other.
NAMES = (
    "0 3 3: ; @ @- @2 @L A: A@ D E I I# I2 IR N O2 O: O@ OI S T U U@ V VR Z a a# aI aI2 aI@ aU aa"
    " b d dZ e@ eI f g h i i: i@ i@3 j k l m n o@ oU p r r- s t t# t2 tS t[ u: v w w# z"
).split()
CLASSES = {name.encode(): i + 1 for i, name in enumerate(NAMES)}
PHONES = len(NAMES) + 2
WORD, PHONEME = 1, 7
INITIAL_FLAGS = 0x8001  # phoneme events; no exit() where the data are missing
RATE_OF_SPEECH, VOLUME, PITCH, RANGE, WORDGAP = 1, 2, 3, 4, 7

ACCENTS = ("en-us", "en-us", "en-us", "en", "en", "en-gb-x-rp", "en-gb-scotland")
ACCENTS += ("en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029", "en-us-nyc")
VARIANTS = (
    "", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5", "klatt",
    "klatt2", "klatt3", "klatt4", "Alex", "Alicia", "Andrea", "Andy", "Annie", "Denis", "Gene",
    "Jacky", "Lee", "Mario", "Michael", "Mike", "Storm", "adam", "anika", "antonio", "aunty",
    "belinda", "benjamin", "boris", "caleb", "david", "ed", "edward", "grandma", "grandpa",
    "iven", "john", "linda", "marcelo", "max", "michel", "norbert", "pablo", "paul", "pedro",
    "quincy", "rob", "robert", "sandro", "shelby", "steph", "travis", "victor", "zac",
)  # fmt: skip


class Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_void_p), ("text", ctypes.c_char * 8)]


class Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique", ctypes.c_uint),
        ("position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("milliseconds", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user", ctypes.c_void_p),
        ("id", Id),
    ]


Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(Event)
)


class Espeak:
    """One a process: the library keeps its state in globals."""

    def __init__(self):
        folder = os.environ.get("ESPEAK_FOLDER")
        data = None
        if folder:
            folder = os.path.abspath(folder)
            for name in ("libsonic.so.0", "libpcaudio.so.0"):
                ctypes.CDLL(os.path.join(folder, name), mode=ctypes.RTLD_GLOBAL)
            data = folder.encode()
        self.lib = ctypes.CDLL(os.path.join(folder or "", "libespeak-ng.so.1"))
        rate = self.lib.espeak_Initialize(1, 0, data, INITIAL_FLAGS)
        if rate != RATE:
            raise RuntimeError("espeak-ng does not begin: %d" % rate)
        self.pcm, self.words, self.phones = [], [], []
        self.callback = Callback(self.take)
        self.lib.espeak_SetSynthCallback(self.callback)

    def take(self, samples, count, events):
        if count > 0:
            self.pcm.append(ctypes.string_at(samples, 2 * count))
        i = 0
        while events[i].type:
            e = events[i]
            if e.type == WORD:
                self.words.append((e.position - 1, e.sample))
            elif e.type == PHONEME:
                self.phones.append((e.id.text, e.sample))
            i += 1
        return 0

    def voice(self, accent, variant, speed=175, pitch=50, spread=50, gap=0):
        name = accent + ("+" + variant if variant else "")
        if self.lib.espeak_SetVoiceByName(name.encode()) != 0:
            raise RuntimeError("espeak-ng has no voice " + name)
        for which, value in (
            (RATE_OF_SPEECH, speed), (VOLUME, 90), (PITCH, pitch), (RANGE, spread), (WORDGAP, gap),
        ):  # fmt: skip
            self.lib.espeak_SetParameter(which, value, 0)

    def say(self, units):
        """(samples int16, start of each unit, phones [(class, sample)]), times in samples."""
        text, places = "", []
        for _, spoken in units:
            places.append(len(text))
            text += spoken + " "
        self.pcm, self.words, self.phones = [], [], []
        raw = text.rstrip().encode("ascii")
        self.lib.espeak_Synth(raw, len(raw) + 1, 0, 1, 0, 1, None, None)
        self.lib.espeak_Synchronize()
        pcm = np.frombuffer(b"".join(self.pcm), np.int16)
        starts = [-1] * len(units)
        last = -1
        for position, sample in self.words:
            if position <= last:  # the pause at a comma is reported as a word, too
                continue
            last = position
            k = int(np.searchsorted(places, position, side="right")) - 1
            if starts[k] < 0:
                starts[k] = sample
        for k in range(len(starts)):  # two words that espeak says as one begin together
            if starts[k] < 0:
                starts[k] = starts[k - 1] if k else 0
        phones = [(phone_class(name), sample) for name, sample in self.phones]
        return pcm, starts, phones


def phone_class(name):
    return 0 if name.startswith(b"_") else CLASSES.get(name, PHONES - 1)


def random_voice(r):
    """Arguments of Espeak.voice() as the data need them."""
    return {
        "accent": r.choice(ACCENTS),
        "variant": r.choice(VARIANTS) if r.random() < 0.8 else "",
        "speed": int(r.triangular(115, 240, 165)),
        "pitch": r.randint(20, 80),
        "spread": r.randint(25, 80),
        "gap": r.choice([0, 0, 0, 0, 1, 3]),
    }
