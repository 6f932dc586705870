#!/usr/bin/env python3
"""Writes everyday English sentences out of words.txt and templates.txt.

    sentences.py [--count 20] [--seed 1] [--spoken]

A sentence is a list of units: the written form of a word ("7:45,") and how it is said ("seven forty
five,"). Nothing here is taken from elsewhere; the same seed gives the same sentences.
"""

import argparse
import os
import random
import re

HERE = os.path.dirname(os.path.abspath(__file__))
ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen"
).split()
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}
PLURALS = {
    "man": "men", "woman": "women", "child": "children", "foot": "feet", "tooth": "teeth",
    "mouse": "mice", "goose": "geese", "person": "people", "sheep": "sheep", "deer": "deer",
    "fish": "fish", "salmon": "salmon", "leaf": "leaves", "knife": "knives", "shelf": "shelves",
    "wolf": "wolves", "thief": "thieves", "loaf": "loaves", "half": "halves", "scarf": "scarves",
    "wife": "wives", "hero": "heroes", "potato": "potatoes", "tomato": "tomatoes", "echo": "echoes",
    "mango": "mangoes", "mosquito": "mosquitoes", "volcano": "volcanoes", "ox": "oxen",
    "gentleman": "gentlemen", "fisherman": "fishermen", "policeman": "policemen", "calf": "calves",
    "postman": "postmen", "salesman": "salesmen", "youth": "youths", "cookie": "cookies",
    "crisis": "crises", "scissors": "scissors", "binoculars": "binoculars", "inch": "inches",
}
SOUND_OF_CONSONANT = re.compile(r"(?i)(uni|use|usu|euro|one|once|u[bk]r)")
SOUND_OF_VOWEL = re.compile(r"(?i)(hour|honest|honor|[aeiou])")


def number(n):
    """The words of 0 to 999999."""
    if n < 20:
        return ONES[n]
    if n < 100:
        return TENS[n // 10] + (" " + ONES[n % 10] if n % 10 else "")
    if n < 1000:
        return ONES[n // 100] + " hundred" + (" " + number(n % 100) if n % 100 else "")
    return number(n // 1000) + " thousand" + (" " + number(n % 1000) if n % 1000 else "")


def ordinal(n):
    words = number(n).split()
    last = words[-1]
    words[-1] = ORDINALS.get(last) or (last[:-1] + "ieth" if last[-1] == "y" else last + "th")
    return " ".join(words)


def year(n):
    if n % 100 == 0 and n % 1000:
        return number(n // 100) + " hundred"
    if 2000 <= n < 2010:
        return number(n)
    low = n % 100
    return number(n // 100) + " " + ("oh " + ONES[low] if low < 10 else number(low))


def plural(w):
    if w in PLURALS:
        return PLURALS[w]
    if w[-1] == "y" and w[-2] not in "aeiou":
        return w[:-1] + "ies"
    return w + ("es" if re.search(r"(s|x|z|ch|sh)$", w) else "s")


def doubled(w):
    """One short vowel and one consonant at the end of a short verb: the consonant doubles."""
    return bool(re.search(r"^[^aeiou]*[aeiou][bdgklmnprt]$", w)) or w in ("admit", "prefer")


def gerund(w):
    if w.endswith("ie"):
        return w[:-2] + "ying"
    if w.endswith("e") and not w.endswith("ee"):
        return w[:-1] + "ing"
    return w + (w[-1] if doubled(w) else "") + "ing"


def past(w):
    if w.endswith("e"):
        return w + "d"
    if w[-1] == "y" and w[-2] not in "aeiou":
        return w[:-1] + "ied"
    return w + (w[-1] if doubled(w) else "") + "ed"


def third(w):
    return {"do": "does", "go": "goes", "have": "has"}.get(w) or plural(w)


def read_sections(file):
    """{name: lines} of the sections of a file beside this one."""
    sections, name = {}, None
    with open(os.path.join(HERE, file), encoding="ascii") as f:
        for line in f:
            line = line.strip()
            if line.startswith("["):
                name = line[1:-1]
                sections[name] = []
            elif line and not line.startswith("#"):
                sections[name].append(line)
    return sections


def read_words():
    lists = {k: [line.split() for line in v] for k, v in read_sections("words.txt").items()}
    irregular = {x[0]: x for x in lists.pop("irregular")}
    return {k: [w for row in v for w in row] for k, v in lists.items()}, irregular


WORDS, IRREGULAR = read_words()
TEMPLATES = read_sections("templates.txt")
COUNTABLE = ("person", "animal", "food", "thing", "vehicle", "place")


class Generator:
    """sentence() is a new sentence at each call. Slots are methods, lists or sections."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def pick(self, name):
        return self.r.choice(WORDS[name])

    # ---- slots: each returns a list of (written, spoken) ------------------------------------

    def plain(self, text):
        return [(w, w) for w in text.split()]

    def noun(self):
        return self.plain(self.pick(self.r.choice(COUNTABLE)))

    def nouns(self):
        return self.plain(plural(self.pick(self.r.choice(COUNTABLE))))

    def verb(self, kind, form):
        w = self.pick(kind)
        if form == "past":
            w = IRREGULAR[w][1] if w in IRREGULAR else past(w)
        elif form == "done":
            w = IRREGULAR[w][2] if w in IRREGULAR else past(w)
        elif form == "ing":
            w = gerund(w)
        elif form == "third":
            w = third(w)
        return self.plain(w)

    def name(self):
        r = self.r.random()
        if r < 0.55:
            return self.plain(self.pick("first"))
        if r < 0.8:
            return self.plain(self.pick("first") + " " + self.pick("last"))
        title = self.r.choice([("Mr.", "mister"), ("Mrs.", "missus"), ("Dr.", "doctor")])
        return [title] + self.plain(self.pick("last"))

    def count(self):
        n = self.r.choice([self.r.randint(2, 9), self.r.randint(10, 99), self.r.randint(100, 999)])
        return self.plain(ONES[n]) if n < 10 else [(str(n), number(n))]

    def small(self):
        return self.plain(ONES[self.r.randint(2, 9)])

    def big(self):
        n = self.r.choice([self.r.randint(1, 99) * 100, self.r.randint(1, 99) * 1000])
        n += 100 * (n == 100 * (n // 100) and self.r.random() < 0.3)
        return [(f"{n:,}", number(n))]

    def digits(self):
        n = self.r.randint(10, 999)
        return [(str(n), number(n))]

    def decimal(self):
        a, b = self.r.randint(0, 99), self.r.randint(1, 9)
        return [(f"{a}.{b}", f"{number(a)} point {ONES[b]}")]

    def year(self):
        n = self.r.randint(1800, 2029)
        return [(str(n), year(n))]

    def money(self):
        d, c = self.r.choice([self.r.randint(2, 99), self.r.randint(1, 90) * 10]), 0
        if self.r.random() < 0.4:
            d, c = self.r.randint(2, 40), self.r.randint(1, 19) * 5
        if c:
            return [(f"${d}.{c:02}", f"{number(d)} dollars and {number(c)} cents")]
        return [(f"${d}", number(d) + " dollars")]

    def percent(self):
        n = self.r.randint(1, 100)
        return [(f"{n}%", number(n) + " percent")]

    def clock(self):
        h, m = self.r.randint(1, 12), self.r.choice([0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55])
        if m == 0:
            return [(str(h), ONES[h]), ("o'clock", "o'clock")]
        low = "oh five" if m == 5 else number(m)
        return [(f"{h}:{m:02}", f"{ONES[h]} {low}")]

    def date(self):
        n = self.r.randint(1, 31)
        return self.plain(self.pick("month")) + [(str(n), ordinal(n))]

    def nth(self):
        n = self.r.randint(1, 10)
        return self.plain(ordinal(n))

    def phone(self):
        d = [self.r.randint(0, 9) for _ in range(7)]
        said = " ".join("oh" if x == 0 else ONES[x] for x in d[:3])
        said += ", " + " ".join("oh" if x == 0 else ONES[x] for x in d[3:])
        return [("%d%d%d-%d%d%d%d" % tuple(d), said)]

    def slot(self, name):
        if name in TEMPLATES:
            return self.fill(self.r.choice(TEMPLATES[name]))
        if ":" in name:
            return self.verb(*name.split(":"))
        if name in WORDS:
            return self.plain(self.pick(name))
        if name.endswith("+"):
            return self.plain(plural(self.pick(name[:-1])))
        return getattr(self, name)()

    # ---- sentences --------------------------------------------------------------------------

    def fill(self, template):
        out = []
        for part in re.findall(r"\{[^}]*\}|[^\s{}]+", template):
            if part[0] == "{":
                out += self.slot(self.r.choice(part[1:-1].split("|")))
            elif part[0] in ",.?!;'-" and out:
                w, s = out[-1]
                out[-1] = (w + part, s + part)
            else:
                out.append((part, part))
        return out

    def sentence(self):
        units = self.fill(self.r.choice(TEMPLATES["sentence"]))
        for i in range(len(units) - 1):
            if units[i][0] in ("a", "A"):
                following = units[i + 1][1]
                if SOUND_OF_VOWEL.match(following) and not SOUND_OF_CONSONANT.match(following):
                    units[i] = (units[i][0] + "n", units[i][1] + "n")
        w, s = units[0]
        units[0] = (w[0].upper() + w[1:], s)
        w, s = units[-1]
        if w[-1] not in ".?!":
            units[-1] = (w + ".", s + ".")
        return units


def written(units):
    return " ".join(w for w, _ in units)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--count", type=int, default=20)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--spoken", action="store_true")
    a = p.parse_args()
    g = Generator(a.seed)
    for _ in range(a.count):
        units = g.sentence()
        print(" ".join(s for _, s in units) if a.spoken else written(units))


if __name__ == "__main__":
    main()
