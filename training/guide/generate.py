#!/usr/bin/env python3
"""Writes questions about tawny and their answers, without end and from a seed.

    generate.py [--seed 1] [--count 20]        prints samples to look at
    generate.py --check                        says whether the held-out wordings stay held out

A question is a pattern (phrases.py, offtopic.py) wrapped ("how do I …"), extended by further wishes
("… as srt on gpu 1"), with typing errors, fillers and changes of case, and its slots filled last
(slots.py), so that names stay as they are. The answer is a sentence round the command (answers.py).
Wordings of heldout.jsonl and dev.jsonl are never produced, whatever wrapper or name they stand in.
"""
import argparse
import json
import os
import random
import re
import sys

import offtopic
import slots
from answers import EXIT_CODES, SENTENCES, Command
from phrases import INTENTS

HERE = os.path.dirname(os.path.abspath(__file__))

# ---- patterns ---------------------------------------------------------------------------------


def parse(text):
    """'a {b|c}' -> a list of strings and of tuples of alternatives, each again such a list."""
    def sequence(i, inside):
        out, start = [], i
        while i < len(text) and not (inside and text[i] in "|}"):
            if text[i] == "{":
                out.append(text[start:i])
                options, i = [], i + 1
                while True:
                    part, i = sequence(i, True)
                    options.append(part)
                    i += 1
                    if text[i - 1] == "}":
                        break
                out.append(tuple(options))
                start = i
            else:
                i += 1
        out.append(text[start:i])
        return out, i
    return sequence(0, False)[0]


def expand(tree, r):
    return "".join(p if isinstance(p, str) else expand(r.choice(p), r) for p in tree)


DO = ["{how do I|how do i|how can I|how can i|how to|how do you|how would I|how should I|how does one}",
      "{I want to|i want to|I'd like to|i would like to|I need to|i need to|I have to|I wish to|we want "
      "to|we need to|I am trying to|i'm trying to|I want it to|let me|I must|I plan to}",
      "{can I|can you|can tawny|can it|could I|could you|is it possible to|is there a way to|may I|could "
      "tawny|am I able to|are you able to|is there a command to|is there an option to}",
      "{show me how to|tell me how to|explain how to|please show me how to|help me|help me to|please help "
      "me|teach me how to|please tell me how to|please|please explain how to|could you tell me how to|can "
      "you show me how to|i don't know how to|I forgot how to|do you know how to}",
      "{what's the command to|what is the command to|which command do I need to|what do I type to|what must "
      "I type to|what should I do to|the command to|what's the way to|what is the best way to|what do I run "
      "to|what do i have to do to|which command is used to|command to|what's the easiest way to|which flag do "
      "I need to|what is the right way to|what is needed to|what can I do to|how might I|how am I supposed to}",
      ""]
GET = ["{give me|show me|get me|print|I need|i need|I want|i want|I'd like|i would like|we need|let me see|"
       "please give me|please show me|could you give me|can you show me|let me have|I would love|I require}",
       "{how do I get|how can I get|how do i get|where do I get|where can I find|where do I find|how do I see|"
       "how can I have|how to get|what gives me|which command gives me|what do I type for|what is the "
       "command for|command for|what do I need for|how do I ask for|which option gives me|where is|what "
       "about|how do I request|how does one get}",
       "{can I have|can I get|can it do|could I have|could I get|is it possible to get|is there|can you give "
       "me|can tawny do|may I have|am I able to get|could you get me}", ""]
FRONT = ["hi,", "hello,", "hey,", "ok,", "okay,", "so", "so,", "um", "well,", "excuse me,", "sorry,", "quick "
         "question:", "question:", "hey tawny,", "hi there,", "now", "and", "but", "also", "next,", "good "
         "morning,", "please", "now,", "first,", "then", "thanks,", "great,", "one more thing,", "tawny:"]
BACK = ["please", "thanks", "with tawny", "in tawny", "using tawny", "on linux", "on debian", "on this "
        "machine", "quickly", "somehow", "at all", "right now", "from the command line", "again", "if "
        "possible", "for me", "today", "in the terminal", "here", "with this program", "on my pc", "on my "
        "laptop", "now", "by the way", ", thank you", ", please", "with it", "easily", "in the shell"]
WORDS = "really just actually maybe simply also now quickly easily kindly perhaps only even".split()

# Further wishes, for commands that can have several options at once: option -> how it is said.
MORE = {
    "transcribe": {
        "--language": ["in <l>", ", the language is <l>", ", it is in <l>", ", it's in <l>", ", spoken in "
                       "<l>", "in <l> language", ", which is <l>", ", they speak <l>", "{with|and} language <l>"],
        "--output-format": ["as <f>", "in <f> format", "with <f> output", ", <f> please", "to <f>", "and "
                            "write <f>", ", as <f>", "{into|in} <f>", ", output as <f>", "in <f>", ", <f>"],
        "--word-timestamps": ["with word times", "with word timestamps", "and word times", "with a time for "
                              "each word", "including word timestamps", ", word times too", "with times per word"],
        "--output-dir": ["into the folder <o>", "in the folder <o>", "to the directory <o>", ", save it in <o>",
                         "and put it in <o>", "into folder <o>", ", results go to <o>"],
        "--beam-size": ["with <n> beams", "and <n> beams", "with beam size <n>", "with a beam of <n>"],
        "--batch": ["with a batch of <n>", "with batch size <n>", "in batches of <n>", "with batch <n>"],
        "--task": ["and translate it to english", "and translate", ", translated", "translated to english"],
        "--device": ["on <d>", "using <d>", "with <d>", ", use <d>", "and use <d>", ", on <d> please"],
    },
    "run": {
        "-c": ["with a context of <n>", "with context <n>", "and <n> tokens of context", "with context size <n>",
               "and a context of <n>"],
        "-n": ["for <n> tokens", "with at most <n> tokens", "and stop after <n> tokens", ", at most <n> tokens",
               "and a limit of <n> tokens", "limited to <n> tokens"],
        "--temp": ["at temperature <n>", "with temperature <n>", "with temp <n>", "and temperature <n>", "at temp "
                   "<n>", "and temp <n>", "with a temperature of <n>"],
        "--top-k": ["with top-k <n>", "and top-k <n>", "with top k <n>"],
        "--top-p": ["with top-p <n>", "and top-p <n>", "with top p <n>"],
        "--min-p": ["with min-p <n>", "and min-p <n>"],
        "--seed": ["with seed <n>", "and seed <n>", "with the seed <n>", "using seed <n>", ", seed <n>", "with "
                   "random seed <n>"],
        "--repeat-penalty": ["with repeat penalty <n>", "and a repeat penalty of <n>"],
        "--json": ["as json", "with json output", "and print json", "in json"],
        "--stats": ["with stats", "with statistics", "and show statistics", "and print the stats"],
        "--device": ["on <d>", "using <d>", "with <d>", ", use <d>", "and use <d>", "and run on <d>"],
    },
}
NUMBER = {"-c": "context", "-n": "length", "--temp": "temp", "--top-k": "top_k", "--top-p": "top_p",
          "--min-p": "min_p", "--seed": "seed", "--repeat-penalty": "repeat", "--batch": "batch",
          "--beam-size": "beam"}
DEVICE_MORE = MORE["run"]["--device"][:4]
for _verb in ("bench", "verify", "listen", "inspect"):
    MORE[_verb] = {"--device": DEVICE_MORE}
MORE["serve"] = {"--device": DEVICE_MORE, "--port": ["on port <n>", "with port <n>", ", port <n>"]}
NUMBER["--port"] = "port"
MORE["inspect"] = {"--device": DEVICE_MORE, "-c": MORE["run"]["-c"]}

# What an option is set to when the question names no number.
DEFAULT = {"temp": "0.7", "top_k": "40", "top_p": "0.9", "min_p": "0.05", "seed": "42", "context": "8192",
           "length": "100", "repeat": "1.2", "batch": "16", "beam": "5", "port": "8081"}

NO_MODEL = ["a model", "the model", "my model", "a gguf", "the gguf", "a gguf file", "a language model", "an llm",
            "this model", "a local model", "the file", "a file", "this file", "my file", "a model file", "a small "
            "model", "models", "the llm", "the assistant", "a gguf model", "the language model", "llama", "qwen",
            "mistral", "smollm", "my gguf", "this gguf", "the bot", "a big model", "that model", "an 8b model"]
NO_AUDIO = ["a file", "an audio file", "a recording", "my recording", "audio", "a podcast", "an mp3", "a video",
            "a wav file", "speech", "an interview", "a meeting", "the audio", "this file", "a sound file", "a lecture",
            "voice notes", "a voice message", "the recording", "my audio", "a talk", "a phone call", "some audio",
            "a movie", "a wav", "media files", "this recording", "a song", "an m4a", "a clip", "a conversation",
            "my voice memo", "a film", "the file", "spoken words", "a speech", "the meeting", "an audio book"]
NO_SPEECH = ["whisper", "a whisper model", "a speech model", "the whisper model", "my whisper model"]
NO_TEXT = ["a text", "a text file", "my text", "some text", "a test set", "my data", "a file", "a corpus", "a book"]
SPECIAL = ["<s>", "</s>", "<eos>", "<bos>", "[INST]", "<pad>", "<end>", "<start>", "[/INST]", "<unk>", "<user>"]


class Sample:
    """One question on its way: what the slots became, and the command they make."""

    def __init__(self, r, intent):
        self.r, self.intent = r, intent
        self.fill = {}      # slot -> queue of texts
        self.value = {}     # slot -> value for the command
        self.kind = None

    def add(self, slot, text, value):
        self.fill.setdefault(slot, []).append(text)
        self.value.setdefault(slot, value)


PAIRS = {"verify": "verify", "thorough": "verify", "bench": "bench", "listen": "listen", "serve": "serve",
         "port": "serve", "memory": "inspect"}
TRANSCRIBE = {"transcribe", "transcribe_many", "format", "language", "words", "translate", "batch", "outdir", "beam",
              "detect", "hint"}
RUN = {"run", "run_p", "run_f", "chat", "temp", "greedy", "top_k", "top_p", "min_p", "seed", "context", "length",
       "repeat", "stop", "json", "stats", "device"}
SETTING = {"temp": "--temp", "top_k": "--top-k", "top_p": "--top-p", "min_p": "--min-p", "seed": "--seed",
           "context": "-c", "length": "-n", "repeat": "--repeat-penalty"}
FIXED = {"creative": ("--temp", "1.2"), "calm": ("--temp", "0.3"), "greedy": ("--temp", "0"), "shorter": ("-n", "50"),
         "longer": ("-n", "1000"), "oom": ("-c", "2048"), "stop_any": ("--stop", '"END"'), "json": ("--json", None),
         "stats": ("--stats", None), "device_any": ("--device", "1"), "software": ("--device", "llvmpipe")}


def command(s):
    """The command for the sample's intent and slots, or None for those that have only a sentence."""
    i, v = s.intent, s.value
    m, w, a = v.get("m", "MODEL"), v.get("w", "MODEL"), v.get("a", "AUDIO")
    if i == "devices":
        return Command("devices")
    if i == "json_devices":
        return Command("devices", json=None)
    if i in ("inspect", "memory", "badmodel"):
        return Command("inspect", [m])
    if i in TRANSCRIBE:
        c = Command("transcribe", [w] + (v["x"] if "x" in v else [a]))
        if i == "format":
            c.set("--output-format", v["f"])
        elif i == "translate":
            c.set("--task", "translate")
        elif i == "language":
            c.set("--language", v["l"])
        elif i == "detect":
            c.set("--detect-language")
        elif i == "words":
            c.set("--word-timestamps")
        elif i == "batch":
            c.set("--batch", v.get("n", DEFAULT["batch"]))
        elif i == "outdir":
            c.set("--output-dir", v["o"])
        elif i == "hint":
            c.set("--initial-prompt", '"names and terms"')
        elif i == "beam":
            c.set("--beam-size", v.get("n", DEFAULT["beam"]))
        return c
    if i == "listen":
        return Command("listen", [w])
    if i in ("serve", "port"):
        port = v.get("n", "8080" if i == "serve" else DEFAULT["port"])
        return Command("serve", [m], port=port)
    if i == "verify":
        return Command("verify")
    if i == "thorough":
        return Command("verify", thorough=None)
    if i == "verify_m":
        return Command("verify", [m])
    if i == "bench":
        return Command("bench", [m])
    if i in ("tokenize", "decode", "special"):
        c = Command("tokenize", [m])
        if i != "tokenize":
            c.set("--" + i)
        return c
    if i == "perplexity":
        return Command("eval", [m], f=v.get("t", "TEXT"), perplexity=None)
    if i == "logits":
        return Command("eval", [m], tokens="FILE", logits="OUT.npy")
    if i in SETTING:
        c = Command("run", [m])
        c.set(SETTING[i], v.get("n", DEFAULT[i]))
        return c
    if i in FIXED:
        c = Command("run", [m])
        c.set(*FIXED[i])
        return c
    if i == "stop":
        return Command("run", [m], stop='"%s"' % v["p"])
    if i == "run":
        return Command("run", [m], p='"your text"')
    if i == "run_p":
        return Command("run", [m], p='"%s"' % v["p"])
    if i == "run_f":
        return Command("run", [m], f=v["t"])
    if i == "stdin":
        return Command("run", [m], f="-")
    if i == "chat":
        return Command("run", [m])
    if i == "device":
        return Command("run", [m], device=v["d"])
    return None


def sentence(r, intent, cmd, value):
    if intent == "code":
        return r.choice(EXIT_CODES[value["c"]])
    intent = {"stop_any": "stop", "transcribe_many": "transcribe"}.get(intent, intent)
    s = r.choice(SENTENCES[intent])
    return s.replace("{c}", "`%s`" % cmd.text()) if cmd else s


# ---- slots --------------------------------------------------------------------------------------

SLOT = re.compile(r"<([a-z_]+)>")
# How often a slot is a name and not plain words.
NAMED = {"m": 0.5, "w": 0.7, "a": 0.65, "t": 0.75}


def fill_slot(s, slot, option=None):
    r = s.r
    if slot == "m" or slot == "w" or slot == "a" or slot == "t":
        seen = slot in s.value
        named = s.named.setdefault(slot, r.random() < NAMED[slot]) or (slot == "t" and s.intent == "run_f")
        if named and not seen:
            make = {"m": slots.model, "w": slots.speech_model, "a": slots.audio, "t": slots.text_file}[slot]
            text = make(r)
            s.value[slot] = text
            return text
        if named:
            return r.choice(["it", s.value[slot]])
        return r.choice({"m": NO_MODEL, "w": NO_SPEECH, "a": NO_AUDIO, "t": NO_TEXT}[slot])
    if slot == "x":
        names = [slots.audio(r) for _ in range(r.choice([2, 2, 2, 3]))]
        s.value["x"] = names
        if r.random() < 0.2:
            e = r.choice(slots.AUDIO_EXT)
            s.value["x"] = ["*." + e]
            return r.choice(["all %s files", "every %s", "*.%s", "all the %s files here", "all my %s files"]) % e
        if len(names) == 2:
            return r.choice(["%s and %s", "both %s and %s", "%s, %s", "%s %s", "%s and also %s"]) % tuple(names)
        return r.choice(["%s, %s and %s", "%s, %s, %s", "%s %s %s", "%s and %s and %s"]) % tuple(names)
    if slot == "d":
        text, value = slots.device(r)
        s.value.setdefault("d", value)
        return text
    if slot == "g":
        return r.choice(slots.GPU_WORDS)
    if slot == "n":
        kind = NUMBER[option] if option else {"serve": "port"}.get(s.intent, s.intent)
        text = slots.number(r, kind)
        if not option:
            s.value["n"] = text
        else:
            s.value["+n"] = text
        return text
    if slot == "l":
        k = r.choice(list(slots.LANGUAGES))
        s.value["l"] = slots.LANGUAGES[k]
        return k.capitalize() if r.random() < 0.5 else k
    if slot == "f":
        k = r.choices(list(slots.FORMATS), [5, 3, 3, 2, 2, 2, 2, 2])[0]
        s.value["f"] = k
        t = r.choice(slots.FORMATS[k])
        return t.upper() if r.random() < 0.12 else t
    if slot == "o":
        s.value["o"] = slots.folder(r)
        return s.value["o"]
    if slot == "c":
        s.value["c"] = r.randrange(8)
        return str(s.value["c"])
    if slot == "p":
        s.value["p"] = slots.prompt(r) if s.intent == "run_p" else slots.stop_word(r)
        return r.choice(['"%s"', '"%s"', '"%s"', '"%s"', "'%s'"]) % s.value["p"]
    if slot == "z":
        return r.choice(SPECIAL)
    return OFF[slot](r)


OFF = {
    "place": lambda r: r.choice(offtopic.PLACES).capitalize(),
    "person": lambda r: r.choice(offtopic.PEOPLE).title(),
    "thing": lambda r: r.choice(offtopic.THINGS),
    "things": lambda r: r.choice(offtopic.THINGS) + "s",
    "topic": lambda r: r.choice(offtopic.TOPICS),
    "event": lambda r: r.choice(offtopic.EVENTS),
    "work": lambda r: r.choice(offtopic.WORKS),
    "software": lambda r: r.choice(offtopic.SOFTWARE),
    "year": lambda r: str(r.randint(1900, 2026)),
    "nonsense": slots.nonsense,
    "place_thing": lambda r: r.choice(["capital", "population", "president", "history", "king", "weather",
                                       "climate", "food", "area", "map", "currency", "best city"]),
    "do": offtopic.do_phrase, "sum": offtopic.sum_phrase,
}


# ---- noise --------------------------------------------------------------------------------------

KEYS = {"a": "qsz", "b": "vgn", "c": "xdv", "d": "sfe", "e": "wrd", "f": "dgr", "g": "fht", "h": "gju", "i": "uok",
        "j": "hku", "k": "jli", "l": "ko", "m": "nj", "n": "bmh", "o": "ipl", "p": "ol", "q": "wa", "r": "etf",
        "s": "adw", "t": "ryg", "u": "yij", "v": "cbf", "w": "qes", "x": "zcs", "y": "tuh", "z": "xas"}
DROP = {"the", "a", "an", "my", "to", "i", "I", "of", "is", "do", "me", "it"}


def typo(r, w):
    i = r.randrange(len(w))
    x = r.random()
    if x < 0.3 and i + 1 < len(w):
        return w[:i] + w[i + 1] + w[i] + w[i + 2:]
    if x < 0.55:
        return w[:i] + w[i + 1:]
    if x < 0.75:
        return w[:i] + w[i] + w[i:]
    return w[:i] + r.choice(KEYS.get(w[i].lower(), "e")) + w[i + 1:]


def noise(r, text, strength=1.0):
    """Typing errors, left-out and added words; words that hold a slot stay as they are."""
    words = text.split(" ")
    if r.random() < 0.30 * strength:
        for _ in range(r.choice([1, 1, 1, 2])):
            i = r.randrange(len(words))
            if len(words[i]) > 3 and "<" not in words[i]:
                words[i] = typo(r, words[i])
    if r.random() < 0.12 * strength:
        words = [w for w in words if w not in DROP or r.random() < 0.5]
    if r.random() < 0.08 * strength and len(words) > 2:
        words.insert(r.randrange(1, len(words)), r.choice(WORDS))
    if r.random() < 0.05 * strength and len(words) > 4:
        # a word the model cannot know: the rest must be enough
        i = r.randrange(len(words))
        if "<" not in words[i]:
            words[i] = slots.nonsense(r)
    return " ".join(w for w in words if w)


def case(r, text, question):
    """Case and the mark at the end; slots are still unfilled, so names keep theirs."""
    x = r.random()
    if x < 0.42:
        text = text[:1].upper() + text[1:]
    elif x < 0.75:
        text = text.lower()
    elif x < 0.77:
        text = re.sub(r"[^<>]+(?=<|$)", lambda m: m.group(0).upper(), text)
    if text.endswith(("!", "?", ".", ":")) or text.endswith(">") and r.random() < 0.3:
        return text
    x = r.random()
    if question:
        return text + ("?" if x < 0.6 else "" if x < 0.93 else " ?" if x < 0.97 else "??")
    return text + ("." if x < 0.25 else "!" if x < 0.28 else "?" if x < 0.36 else "")


# ---- held-out wordings ----------------------------------------------------------------------------

def normal(text):
    """The wording alone: no case, no marks, names and numbers replaced."""
    t = text.lower()
    t = re.sub(r"\"[^\"]*\"|'[^' ][^']*'(?= |$)", " Q ", t)
    t = re.sub(r"(?<![\w.])\d+(\.\d+)?(?![\w.]*\w)", " N ", t)
    t = re.sub(r"\S*[^\s.]\.[a-z0-9]{1,5}(?=[.\s,?!]|$)", " F ", t)
    t = re.sub(r"<[a-z]>", lambda m: {"<m>": " F ", "<w>": " F ", "<a>": " F ", "<t>": " F ", "<x>": " F F ",
                                      "<n>": " N ", "<c>": " N ", "<p>": " Q "}.get(m.group(0), m.group(0)), t)
    t = re.sub(r"\d+(\.\d+)?", " N ", t)
    return " ".join(re.findall(r"[a-zFNQ]+|<[a-z_]+>", t.replace("'", "")))


def _prefixes():
    out = set()

    def walk(tree, head):
        if not tree:
            out.add(head.strip())
            return
        for o in (tree[0],) if isinstance(tree[0], str) else tree[0]:
            walk(([o] if isinstance(o, str) else list(o)) + list(tree[1:]), head) if not isinstance(o, str) \
                else walk(list(tree[1:]), head + o)
    for p in DO + GET:
        walk(parse(p), "")
    return sorted({normal(x) for x in out | set(FRONT)} - {""}, key=len, reverse=True)


def banned():
    """Normal forms of all held-out and development questions, with and without their wrappers."""
    out = set()
    prefixes = _prefixes()
    for name in ("heldout.jsonl", "dev.jsonl"):
        with open(os.path.join(HERE, name)) as f:
            for line in f:
                todo = [normal(json.loads(line)["question"])]
                while todo:
                    q = todo.pop()
                    if q in out or not q:
                        continue
                    out.add(q)
                    todo += [q[len(p) + 1:] for p in prefixes if q.startswith(p + " ")]
                    for b in BACK:
                        b = normal(b)
                        if q.endswith(" " + b):
                            todo.append(q[:-len(b) - 1])
    return {q for q in out if len(q) > 2}


# ---- the generator ----------------------------------------------------------------------------------

WEIGHT = {"transcribe": 3, "format": 3, "language": 3, "device": 3, "run_p": 2.5, "run_f": 1.5, "inspect": 2,
          "memory": 1.5, "chat": 1.8, "devices": 1.8, "verify": 2.2, "verify_m": 2.2, "bench": 2, "serve": 2.2,
          "tokenize": 1.6, "perplexity": 1.6, "translate": 1.8, "code": 2.5, "listen": 1.6, "temp": 1.5, "seed": 1.6,
          "context": 1.6, "length": 1.6, "other": 9, "stop": 1.4, "outdir": 1.3, "hello": 1, "who": 0.8, "run": 1.8,
          "transcribe_many": 1, "help": 0.8, "json_devices": 0.4, "bye": 0.6, "thanks": 0.8, "interrupt": 1.4,
          "batch": 1.2, "words": 1.2, "special": 0.7, "beam": 0.8, "hint": 0.8, "about": 0.9, "check": 0.6, "demo": 0.7}
SOCIAL = {"hello", "thanks", "bye", "help"}


class Generator:
    def __init__(self, seed=1):
        self.r = random.Random(seed)
        self.banned = banned()
        table = {k: {kind: [parse(p) for p in ps] for kind, ps in v.items()} for k, v in INTENTS.items()}
        table["other"] = {"ask": [parse(p) for p in offtopic.PATTERNS]}
        self.table = table
        self.intents = list(table)
        self.weights = [WEIGHT.get(i, 1.0) for i in self.intents]
        self.do, self.get = [parse(p) for p in DO], [parse(p) for p in GET]
        self.more = {v: {o: [parse(p) for p in ps] for o, ps in t.items()} for v, t in MORE.items()}

    def core(self, intent):
        r = self.r
        kinds = self.table[intent]
        kind = r.choices(list(kinds), [len(ps) * (1.4 if k == "do" else 1) for k, ps in kinds.items()])[0]
        while True:
            text = expand(r.choice(kinds[kind]), r)
            if normal(text) not in self.banned:
                return kind, text

    def wrap(self, kind, text):
        r = self.r
        if kind == "ask":
            return text, True
        w = expand(r.choices(self.do, [5, 3, 3, 3, 3, 2])[0] if kind == "do" else
                   r.choices(self.get, [4, 3, 2, 2.5])[0], r)
        if not w:
            return text, r.random() < 0.3
        return w + " " + text, w.split()[0].lower() in ("how", "can", "could", "what", "what's", "which", "where", "is",
                                                       "may", "am", "are", "do")

    def wish(self, s, cmd, option):
        """Adds an option to the command and returns how that is said, slots filled."""
        text = expand(self.r.choice(self.more[cmd.verb][option]), self.r)
        keep = dict(s.value)
        for k in ("d", "l", "f", "o"):
            s.value.pop(k, None)
        text = SLOT.sub(lambda m: fill_slot(s, m.group(1), option), text)
        v = s.value
        cmd.set(option, v.get("+n") if option in NUMBER else
                {"--device": v.get("d"), "--language": v.get("l"), "--output-format": v.get("f"),
                 "--output-dir": v.get("o"), "--task": "translate"}.get(option))
        s.value = keep
        return text

    def question(self, intent=None):
        """-> (question, answer, intent, command or None)"""
        r = self.r
        intent = intent or r.choices(self.intents, self.weights)[0]
        s = Sample(r, intent)
        s.named = {}
        kind, text = self.core(intent)
        text, is_question = self.wrap(kind, text)
        if r.random() < 0.10 and intent not in SOCIAL:
            text = r.choice(FRONT) + " " + text
        social = intent in SOCIAL or intent in ("who", "about")
        back = r.random() < 0.10 and not social
        text = noise(r, text, 0.6 if intent == "other" else 1.0)
        more = "<more>" if r.random() < 0.3 else ""
        if back:
            more += " " + r.choice(BACK)
        text = case(r, re.sub(" +", " ", text + " " + more).replace(" ,", ",").strip(), is_question)
        # fill the pattern's own slots first, then the further wishes
        text = SLOT.sub(lambda m: m.group(0) if m.group(1) == "more" else fill_slot(s, m.group(1)), text)
        cmd = command(s)
        text = re.sub(r" ?<more>", lambda m: self.wishes(s, cmd), text)
        if normal(text) in self.banned:
            return self.question(intent)
        return text, sentence(r, intent, cmd, s.value), intent, cmd

    def wishes(self, s, cmd):
        r = self.r
        i = s.intent
        ok = cmd and cmd.verb in self.more and (i in TRANSCRIBE - {"detect", "hint"} or i in RUN or i in PAIRS)
        if not ok:
            return ""
        out = ""
        if cmd.verb in ("transcribe", "run", "serve", "bench", "listen") and "MODEL" in cmd.args[:1] and r.random() < 0.25:
            if cmd.verb in ("transcribe", "listen"):
                cmd.args[0] = slots.speech_model(r)
            elif "m" not in s.named:
                cmd.args[0] = slots.model(r)
            if cmd.args[0] != "MODEL":
                out += r.choice([" with ", " using ", " and the model "]) + cmd.args[0]
        for _ in range(r.choice([1, 1, 1, 2])):
            free = [o for o in self.more[cmd.verb] if o not in cmd.options]
            if i == "translate":
                free = [o for o in free if o != "--language"]
            if i == "language":
                free = [o for o in free if o != "--task"]
            if not free:
                break
            t = self.wish(s, cmd, r.choice(free))
            out += t if t.startswith(",") else " " + t
        return out

    def followup(self, cmd):
        """A question that adds an option to the command before; -> (question, answer)."""
        r = self.r
        free = [o for o in self.more.get(cmd.verb, {}) if o not in cmd.options]
        if cmd.verb == "transcribe" and "--detect-language" in cmd.options or not free \
                or len(cmd.options) > 2:
            return None
        s = Sample(r, "run")
        s.named = {}
        t = self.wish(s, cmd, r.choice(free)).lstrip(", ")
        lead = r.choice(["and", "now", "and now", "the same", "the same but", "what about", "how about", "but", "ok, now",
                         "and also", "great, now", "can I do that", "and how do I do it", "same", "also", "again"])
        q = case(r, lead + " " + t, r.random() < 0.6)
        return q, "Then it is `%s`." % cmd.text()

    def conversation(self, turns):
        """A list of (question, answer)."""
        out, last = [], None
        while len(out) < turns:
            f = self.followup(last) if last and self.r.random() < 0.25 else None
            if f:
                out.append(f)
                continue
            q, a, _, cmd = self.question()
            out.append((q, a))
            last = cmd
        return out


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--count", type=int, default=20)
    p.add_argument("--intent")
    p.add_argument("--check", action="store_true")
    a = p.parse_args()
    g = Generator(a.seed)
    if a.check:
        held = {normal(json.loads(x)["question"]) for x in open(os.path.join(HERE, "heldout.jsonl"))}
        seen = {normal(g.question()[0]) for _ in range(a.count)}
        print("%d questions, %d wordings, %d of %d held-out wordings among them" % (
            a.count, len(seen), len(seen & held), len(held)))
        return 1 if seen & held else 0
    for _ in range(a.count):
        q, ans, intent, _ = g.question(a.intent)
        print("%-14s %s\n%-14s   %s" % (intent, q, "", ans))
    return 0


if __name__ == "__main__":
    sys.exit(main())
