#!/usr/bin/env python3
"""Writes questions about tawny and their answers, without end and from a seed.

    generate.py [--seed 1] [--count 20] [--intent NAME]    prints samples to look at
    generate.py --check [--count N]                        says whether held-out wordings stay out

A question is a pattern (phrases.txt) wrapped ("how do I ..."), extended by further wishes ("... as
srt on gpu 1"), with typing errors, fillers and changes of case, and its slots filled last
(slots.py), so that names stay as they are. The answer is a sentence round the command (answers.py).
Wordings of heldout.jsonl and dev.jsonl are never produced, whatever wrapper or name they stand in.
"""
import argparse
import json
import os
import random
import re
import sys

import slots
from answers import command, sentence
from noise import case, noise
from phrases import FORMATS, INTENTS, LANGUAGES, MORE, WORDS, WRAP, every, expand, word

HERE = os.path.dirname(os.path.abspath(__file__))

# ---- held-out wordings --------------------------------------------------------------------------

MARKS = {"m": "F", "w": "F", "a": "F", "t": "F", "x": "F F", "n": "N", "c": "N", "p": "Q"}


def normal(text):
    """The wording alone: no case, no punctuation; F, N and Q stand for files, numbers, quotes."""
    t = text.lower()
    t = re.sub(r"\"[^\"]*\"|'[^' ][^']*'(?= |$)", " Q ", t)
    t = re.sub(r"(?<![\w.])\d+(\.\d+)?(?![\w.]*\w)", " N ", t)
    t = re.sub(r"\S*[^\s.]\.[a-z0-9]{1,5}(?=[.\s,?!]|$)", " F ", t)
    t = re.sub(r"<([a-z])>", lambda m: " %s " % MARKS.get(m.group(1), m.group(0)), t)
    t = re.sub(r"\d+(\.\d+)?", " N ", t)
    return " ".join(re.findall(r"[a-zFNQ]+|<[a-z_]+>", t.replace("'", "")))


def questions(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as f:
        return [json.loads(line)["question"] for line in f]


def banned():
    """Normal forms of all held-out and development questions, with and without their wrappers."""
    def forms(*kinds):
        return {normal(t) for k in kinds for p in WRAP[k] for t in every(p)} - {""}
    before, after = forms("do", "get", "front"), forms("back")
    out = set()
    todo = [normal(q) for name in ("heldout.jsonl", "dev.jsonl") for q in questions(name)]
    while todo:
        q = todo.pop()
        if q not in out:
            out.add(q)
            todo += [q[len(b) + 1:] for b in before if q.startswith(b + " ")]
            todo += [q[:-len(a) - 1] for a in after if q.endswith(" " + a)]
    return {q for q in out if len(q) > 2}


# ---- slots --------------------------------------------------------------------------------------

SLOT = re.compile(r"<([a-z_]+)>")
FILES = {"m": slots.model, "w": slots.speech_model, "a": slots.audio, "t": slots.text_file}
# How often a file is named and not just "a model".
NAMED = {"m": 0.5, "w": 0.7, "a": 0.65, "t": 0.75}
NUMBER = {"-c": "context", "-n": "length", "--temp": "temp", "--top-k": "top_k", "--seed": "seed",
          "--top-p": "top_p", "--min-p": "min_p", "--repeat-penalty": "repeat", "--port": "port",
          "--batch": "batch", "--beam-size": "beam"}


class Sample:
    """One question on its way: its intent, and the values that its slots give to the command."""

    def __init__(self, r, intent):
        self.r, self.intent, self.value, self.named = r, intent, {}, {}

    def file(self, slot):
        r = self.r
        must = slot == "t" and self.intent == "run_f"
        if not (self.named.setdefault(slot, r.random() < NAMED[slot]) or must):
            return word(slot, r)
        if slot in self.value:
            return r.choice(["it", self.value[slot]])
        name = self.value[slot] = FILES[slot](r)
        return word("the_" + slot, r) + " " + name if r.random() < 0.15 else name

    def several(self):
        r = self.r
        if r.random() < 0.2:
            self.value["x"] = ["*." + word("audio_ending", r)]
            return expand(WORDS["all_files"], r).replace("*", self.value["x"][0][2:])
        names = self.value["x"] = [slots.audio(r) for _ in range(r.choice([2, 2, 2, 3]))]
        forms = ["%s and %s", "both %s and %s", "%s, %s", "%s %s", "%s and also %s"]
        if len(names) == 3:
            forms = ["%s, %s and %s", "%s, %s, %s", "%s %s %s", "%s and %s and %s"]
        return r.choice(forms) % tuple(names)

    def fill(self, slot, option=None):
        """The text for one slot; what the command needs of it is kept in value."""
        r, v = self.r, self.value
        if slot in FILES:
            return self.file(slot)
        if slot == "x":
            return self.several()
        if slot == "n":
            kind = NUMBER[option] if option else "port" if self.intent == "serve" else self.intent
            v["n"] = slots.number(r, kind)
            return v["n"]
        if slot == "d":
            text, v["d"] = slots.device(r)
            return text
        if slot == "l":
            v["l"] = r.choice(list(LANGUAGES))
            name = expand(LANGUAGES[v["l"]], r)
            return name.capitalize() if r.random() < 0.5 else name
        if slot == "f":
            v["f"] = r.choices(list(FORMATS), [5, 3, 3, 2, 2, 2, 2, 2])[0]
            name = expand(FORMATS[v["f"]], r)
            return name.upper() if r.random() < 0.12 else name
        if slot == "p":
            v["p"] = slots.prompt(r) if self.intent == "run_p" else slots.stop_word(r)
            return r.choice(['"%s"', '"%s"', '"%s"', '"%s"', "'%s'"]) % v["p"]
        if slot == "o":
            v["o"] = slots.folder(r)
            return v["o"]
        if slot == "c":
            v["c"] = r.randrange(8)
            return str(v["c"])
        return self.other(slot)

    def other(self, slot):
        r = self.r
        if slot in ("place", "person"):
            return word(slot, r).title()
        if slot == "things":
            return word("thing", r) + "s"
        if slot == "year":
            return str(r.randint(1900, 2026))
        if slot == "nonsense":
            return slots.nonsense(r)
        if slot == "sum":
            return expand(WORDS["sum"], r).replace("A", str(r.randint(1, 999))).replace(
                "B", str(r.randint(1, 99)))
        return word(slot, r)


# ---- the generator ------------------------------------------------------------------------------

WEIGHT = {
    "transcribe": 3, "format": 3, "language": 3, "device": 3, "run_p": 2.5, "run_f": 1.5,
    "chat": 1.8, "inspect": 2, "memory": 1.5, "devices": 1.8, "verify": 2.2, "verify_m": 2.2,
    "bench": 2, "serve": 2.2, "tokenize": 1.6, "perplexity": 1.6, "translate": 1.8, "code": 2.5,
    "listen": 1.6, "temp": 1.5, "seed": 1.6, "context": 1.6, "length": 1.6, "other": 9,
    "stop": 1.4, "outdir": 1.3,
    "who": 0.9, "run": 1.8, "help": 0.9, "json_devices": 0.4, "bye": 0.6, "thanks": 0.8,
    "interrupt": 1.4, "batch": 1.2, "words": 1.2, "special": 0.7, "beam": 0.8, "hint": 0.8,
    "check": 0.6, "demo": 0.7,
}
SOCIAL = {"hello", "thanks", "bye", "help", "who", "about"}
# Intents whose questions may go on ("... with seed 7").
WISHES = set("""transcribe transcribe_many format language words translate batch outdir beam run
run_p run_f chat temp greedy top_k top_p min_p seed context length repeat stop json stats device
verify thorough bench listen serve port memory""".split())
KINDS = ("do", "get", "ask")
ASKING = set("how can could what what's which where is may am are do".split())
FOLLOW = ["and", "now", "and now", "the same", "the same but", "what about", "how about", "but",
          "ok, now", "and also", "great, now", "can I do that", "and how do I do it", "same",
          "also"]


class Generator:
    def __init__(self, seed=1):
        self.r = random.Random(seed)
        self.banned = banned()
        self.names = list(INTENTS)
        self.weights = [WEIGHT.get(i, 1.0) for i in self.names]

    def core(self, intent):
        """-> (kind, a phrase of that intent that is not held out)"""
        kinds = {k: INTENTS[intent][k] for k in KINDS if k in INTENTS[intent]}
        share = [len(ps) * (1.4 if k == "do" else 1) for k, ps in kinds.items()]
        kind = self.r.choices(list(kinds), share)[0]
        while True:
            text = expand(self.r.choice(kinds[kind]), self.r)
            if normal(text) not in self.banned:
                return kind, text

    def wrap(self, kind, text):
        """-> (the wrapped phrase, whether it is a question)"""
        if kind == "ask":
            return text, True
        before = expand(self.r.choice(WRAP[kind]), self.r)
        if not before:
            return text, self.r.random() < 0.3
        return before + " " + text, before.split()[0].lower() in ASKING

    def question(self, intent=None):
        """-> (question, answer, intent, Command or None)"""
        r = self.r
        intent = intent or r.choices(self.names, self.weights)[0]
        s = Sample(r, intent)
        text, asks = self.wrap(*self.core(intent))
        if intent not in SOCIAL and r.random() < 0.1:
            text = expand(WRAP["front"][0], r) + " " + text
        text = noise(r, text, 0.6 if intent == "other" else 1.0)
        if r.random() < 0.3:
            text += " <more>"
        if intent not in SOCIAL and r.random() < 0.1:
            text += " " + expand(WRAP["back"][0], r)
        text = case(r, re.sub(" +", " ", text).replace(" ,", ",").strip(), asks)
        # the pattern's own slots first: they decide the command that the wishes extend
        text = SLOT.sub(
            lambda m: m.group(0) if m.group(1) == "more" else s.fill(m.group(1)), text)
        cmd = command(intent, s.value)
        answer = s.value.copy()
        text = re.sub(" ?<more>", lambda m: self.wishes(s, cmd), text)
        if normal(text) in self.banned:
            return self.question(intent)
        return text, sentence(r, intent, cmd, answer), intent, cmd

    def wish(self, cmd, option):
        """Adds an option to the command; returns how that is said."""
        s = Sample(self.r, "run")
        text = expand(MORE[cmd.verb][option], self.r)
        text = SLOT.sub(lambda m: s.fill(m.group(1), option), text)
        cmd.set(option, "translate" if option == "--task" else next(iter(s.value.values()), None))
        return text

    def free(self, cmd, intent=None):
        """The options that this command could have too."""
        if not cmd or "--detect-language" in cmd.options:
            return []
        taken = set(cmd.options) | {"translate": {"--language"}, "language": {"--task"}}.get(
            intent, set())
        return [o for o in MORE.get(cmd.verb, {}) if o not in taken]

    def wishes(self, s, cmd):
        r, out = self.r, ""
        if s.intent not in WISHES:
            return out
        if "MODEL" in cmd.args[:1] and r.random() < 0.25:
            speech = cmd.verb in ("transcribe", "listen")
            if speech or "m" not in s.named:
                cmd.args[0] = (slots.speech_model if speech else slots.model)(r)
                out = r.choice([" with ", " using ", " and the model "]) + cmd.args[0]
        for _ in range(r.choice([1, 1, 1, 2])):
            free = self.free(cmd, s.intent)
            if free:
                text = self.wish(cmd, r.choice(free))
                out += text if text.startswith(",") else " " + text
        return out

    def conversation(self, turns):
        """A list of (question, answer); some questions add to the command before them."""
        r, out, last = self.r, [], None
        while len(out) < turns:
            free = self.free(last) if last and len(last.options) < 3 else []
            if free and r.random() < 0.25:
                text = self.wish(last, r.choice(free)).lstrip(", ")
                q = case(r, r.choice(FOLLOW) + " " + text, r.random() < 0.6)
                out.append((q, "Then it is `%s`." % last.text()))
                continue
            q, a, _, last = self.question()
            out.append((q, a))
        return out


def main():
    p = argparse.ArgumentParser(description="Writes questions about tawny and their answers.")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--count", type=int, default=20)
    p.add_argument("--intent", choices=sorted(INTENTS))
    p.add_argument("--check", action="store_true")
    a = p.parse_args()
    g = Generator(a.seed)
    if a.check:
        held = {normal(q) for q in questions("heldout.jsonl")}
        seen = {normal(g.question()[0]) for _ in range(a.count)}
        print("%d questions, %d wordings, %d of %d held-out wordings among them" % (
            a.count, len(seen), len(seen & held), len(held)))
        return 1 if seen & held else 0
    for _ in range(a.count):
        q, answer, intent, _ = g.question(a.intent)
        print("%-14s %s\n%-14s   %s" % (intent, q, "", answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
