"""What is said when: sentences become speech, and windows of up to 30 s are planned out of them.

Time is counted in rows of 20 ms: 320 samples at 16 kHz, one position of the encoder, one step of
Whisper's time tokens. A plan names rows and tokens; sound.py makes the samples of it.
"""

import random

import numpy as np

import espeak
import sentences
import tokens

ROW = 320
FULL = 1500
# Source samples a row: 441 keeps espeak's rate; others change speed and voice as a tape does.
TAPES = (400, 420, 441, 441, 441, 462, 480)
MAX_TEXT = 208
FIRST_LIMIT = 50  # openai-whisper lets no first time token be later than 1.0 s


class Sentence:
    __slots__ = ("row", "rows", "units", "starts", "text", "group")

    def __init__(self, row, rows, units, starts, text, group):
        self.row, self.rows = row, rows
        self.units = units  # tokens of each written word
        self.starts = starts  # row of each word, from the sentence's first; then its end
        self.text, self.group = text, group


def speak(voice, units, tape, r):
    """(samples [rows, tape] int16, phones [rows], starts of units in rows and the end)."""
    pcm, starts, phones = voice.say(units)
    loud = np.abs(pcm.astype(np.int32))
    if len(pcm) == 0 or loud.max() < 500:
        return None
    heard = np.flatnonzero(loud > 0.015 * loud.max())
    first, last = int(heard[0]), int(heard[-1]) + 1
    shift = r.randrange(tape)
    rows = -(-(shift + last - first) // tape)
    out = np.zeros(rows * tape, np.float32)
    out[shift : shift + last - first] = pcm[first:last]
    out *= 20000.0 / loud.max()
    at = np.zeros(rows, np.uint8)
    for name, sample in phones:
        begin = (sample - first + shift) // tape
        at[max(0, min(begin, rows)) :] = name
    times = [max(0, min(rows - 1, (s - first + shift) // tape)) for s in starts] + [rows]
    return out.astype(np.int16).reshape(rows, tape), at, times


class Talk:
    """The sentences of one worker and the windows made of them."""

    def __init__(self, seed, row0, forbidden=()):
        self.r = random.Random(seed)
        self.text = sentences.Generator(seed + 1000003)
        self.voice = espeak.Espeak()
        self.tokenizer = tokens.Tokenizer()
        self.forbidden = forbidden
        self.next_row = row0
        self.groups, self.all = [], []

    def produce(self, count, tape=None):
        """One speaker says `count` sentences: (first row, samples, phones), kept for plan()."""
        tape = tape or self.r.choice(TAPES)
        group, parts, phones, base = [], [], [], self.next_row
        settings = espeak.random_voice(self.r)
        self.voice.voice(**settings)
        while len(group) < count:
            units = self.text.sentence()
            written = sentences.written(units)
            if written in self.forbidden:
                continue
            said = speak(self.voice, units, tape, self.r)
            if said is None or len(said[0]) > 900:
                continue
            ids = [self.tokenizer.encode(" " + w) for w, _ in units]
            s = Sentence(self.next_row, len(said[0]), ids, said[2], written, len(self.groups))
            self.next_row += s.rows
            group.append(s)
            parts.append(said[0])
            phones.append(said[1])
        self.groups.append(group)
        self.all += group
        return base, np.concatenate(parts), np.concatenate(phones)

    # ---- windows ----------------------------------------------------------------------------

    def source(self):
        """Endless sentences: a speaker's, or anybody's."""
        while True:
            if self.r.random() < 0.5:
                group = list(self.r.choice(self.groups))
                self.r.shuffle(group)
                yield from group
            else:
                yield self.r.choice(self.all)

    def gap(self):
        x = self.r.random()
        if x < 0.5:
            return self.r.randint(4, 25)
        if x < 0.9:
            return self.r.randint(15, 75)
        return self.r.randint(50, 300)

    def lead(self):
        x = self.r.random()
        if x < 0.5:
            return self.r.randint(0, 15)
        if x < 0.85:
            return self.r.randint(0, 50)
        return self.r.randint(0, 200)

    def place(self, length, calm=False):
        """[(sentence, first word, source row, rows, start in the window, cut at the end)]."""
        r, out, count = self.r, [], 0
        limit = length if r.random() < 0.5 else r.randint(min(60, length), length)
        at = min(self.lead(), 45 if calm else length // 3)
        for s in self.source():
            word, skip = 0, 0
            if not out and not calm and len(s.units) > 2 and r.random() < 0.2:
                word, at = r.randint(1, len(s.units) - 1), 0
                skip = min(s.rows - 5, max(0, s.starts[word] + r.randint(-2, 2)))
            rows = s.rows - skip
            count += sum(map(len, s.units[word:])) + 2
            if count > MAX_TEXT:
                break
            if at + rows <= limit:
                out.append((s, word, skip, rows, at, False))
            elif at + rows > length:
                if length - at > 25 and not calm and r.random() < 0.5:
                    out.append((s, word, skip, length - at, at, True))
                elif not out and length - at > 25:
                    if calm:
                        continue
                    out.append((s, word, skip, length - at, at, True))
                break
            else:
                if not out:
                    out.append((s, word, skip, rows, at, False))
                break
            at += rows + self.gap()
            if at >= limit - 10:
                break
        return out

    def prompt(self, timed, limit):
        ids, at = [], 0
        for s in self.source():
            part = [t for u in s.units for t in u]
            if timed:
                at = at + self.gap()
                if at + s.rows >= FULL:
                    at = 0
                part = [tokens.TIME0 + at] + part + [tokens.TIME0 + at + s.rows]
                at += s.rows
            ids += part
            if len(ids) >= limit:
                break
        return [tokens.PREV] + ids[-limit:]

    def script(self, pieces, timed, offset):
        """Tokens after <|startoftranscript|>: [(token, first row, last row)], rows -1 for none."""
        out = [] if timed else [(tokens.NOTIMES, -1, -1)]
        for s, word, skip, rows, at, cut in pieces:
            if timed:
                out.append((tokens.TIME0 + offset + at, at, at + 4))
                if cut:
                    break
            for k in range(word, len(s.units)):
                begin, end = s.starts[k] - skip, s.starts[k + 1] - skip
                if cut and rows - begin < 0.6 * (end - begin):
                    break
                begin, end = at + max(0, begin), at + max(2, min(end, rows))
                out += [(t, begin, end) for t in s.units[k]]
            if timed:
                end = at + rows
                out.append((tokens.TIME0 + offset + end, max(0, end - 4), end))
        return out + [(tokens.EOT, -1, -1)]

    def window(self, length, prompted):
        """(pieces, inputs, targets, first rows, last rows, offset); targets -1 do not count."""
        r = self.r
        timed = r.random() < 0.6
        offset = r.randint(0, FULL - length) if length < FULL and r.random() < 0.5 else 0
        before = []
        if prompted and r.random() < 0.9:
            before = self.prompt(timed and r.random() < 0.7, r.randint(4, 223))
        before = before + [tokens.SOT]
        none = [-1] * (len(before) - 1)
        if r.random() < 0.07:
            first = tokens.TIME0 + r.choice([0, 0, r.randint(0, FIRST_LIMIT)])
            inputs = [first if timed else tokens.NOTIMES]
            if r.random() < 0.5:
                inputs += r.choice(self.all).units[0][:2]
            targets = [tokens.NOSPEECH] + [tokens.EOT] * len(inputs)
            rows = none + [-1] * len(targets)
            return [], before + inputs, none + targets, rows, rows, offset
        pieces = self.place(length)
        script = self.script(pieces, timed, offset)
        inputs = before + [t for t, _, _ in script[:-1]]
        targets = none + [t for t, _, _ in script]
        low = none + [a for _, a, _ in script]
        high = none + [b for _, _, b in script]
        if timed and pieces[0][4] > FIRST_LIMIT and not offset and r.random() < 0.4:
            k = len(before)
            targets[k - 1] = -1
            inputs[k] = tokens.TIME0 + r.choice([0, FIRST_LIMIT, r.randint(0, FIRST_LIMIT)])
            low[k - 1] = high[k - 1] = -1
        return pieces, inputs, targets, low, high, offset

    def plan(self, length, count, prompted):
        """`count` windows as arrays; see sound.Mixer.mix() and train.Step for their use."""
        made = [self.window(length, prompted) for _ in range(count)]
        longest = max(len(m[1]) for m in made)
        width = -(-longest // 16) * 16
        ids = np.full((4, count, width), -1, np.int32)
        piece = []
        for i, (pieces, inputs, targets, low, high, _) in enumerate(made):
            n = len(inputs)
            ids[0, i, :n], ids[1, i, :n], ids[2, i, :n], ids[3, i, :n] = inputs, targets, low, high
            level = self.r.uniform(-9, 0)
            for s, _, skip, rows, at, _ in pieces:
                gain = 10 ** ((level + self.r.uniform(-3, 3)) / 20)
                piece.append((i, s.row + skip, rows, at, gain))
        ids[0][ids[0] < 0] = tokens.EOT
        return {
            "length": length,
            "pieces": np.array(piece, np.float64).reshape(-1, 5),
            "ids": ids,
            "offset": np.array([m[5] for m in made], np.int64),
            "end": np.array(
                [max([p[3] + p[4] for p in m[0]], default=0) for m in made], np.int64
            ),
        }
